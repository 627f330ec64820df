package deadlettercmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/deadletter"
)

func showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show -c FILE NAME...",
		Short: "Show letters whole: what happened, what was done, and the value with what is wrong in it",
		Long: `Shows each letter named: why it was given up, the call that failed as far as a letter keeps it, what has been done about
it, the record's headers, and its value with each violation marked at its place. What does not print is shown as an
escape. Of a long value only the beginning is shown unless --full is given.

A letter's name is TOPIC/PARTITION/OFFSET in its dead-letter topic, as list prints it.

-o json writes one JSON object a line.

` + letterJSONHelp + `
` + historyJSONHelp + `

Exit codes: 0 done, 1 some of the letters do not exist (any more), 2 could not do what was asked, such as look into a
topic that does not exist, 3 none of the letters does.`,
		Example: `  battlereport deadletter show -c battlereport.yaml battle-reports.dlq/3/1042
  battlereport deadletter show -c battlereport.yaml battle-reports.dlq/3/1042 -o json | jq -r .value`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usage(cmd, errors.New("which letter? Its name is needed, as list prints it"))
			}
			return nil
		},
	}
	load := cli.ConfigFlag(cmd)
	output := cli.OutputFlag(cmd, "text", "json")
	full := cmd.Flags().Bool("full", false, "show long values whole")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := parseNames(cmd, args)
		if err != nil {
			return err
		}
		cfg, conn, err := connect(cmd, load)
		if err != nil {
			return err
		}
		box, err := openNamed(cmd, cfg, conn, names)
		if err != nil {
			return err
		}
		defer box.close()
		out, style := cmd.OutOrStdout(), styleOf(cmd.OutOrStdout())
		shown := 0
		for _, name := range names {
			letter, err := box.letter(cmd, name)
			if err != nil {
				if len(box.missing) == len(box.stores) {
					return err // that there is no topic: as list and stats say it
				}
				o, err := absent(err)
				if err != nil {
					return err
				}
				cli.Complain(cmd, name.String()+": "+o.Detail)
				continue
			}
			if *output == "json" {
				err = writeLetterJSON(out, letter)
			} else {
				if shown > 0 {
					fmt.Fprintln(out)
				}
				err = view.Letter(out, style, letter, *full)
			}
			if err != nil {
				return err
			}
			shown++
		}
		switch {
		case shown == 0:
			return cli.ErrNone
		case shown < len(names):
			return cli.ErrNo
		}
		return nil
	}
	return cmd
}

// letter reads all that is known of a letter.
func (b *letterbox) letter(cmd *cobra.Command, name deadletter.Name) (*triage.Letter, error) {
	store := b.store(name.Topic)
	e, err := store.Get(cmd.Context(), name)
	if err != nil {
		return nil, b.explain(store, err)
	}
	l := &triage.Letter{Entry: e, BaseURL: b.cfg.MSDK.BaseURL}
	if e.State != deadletter.Pending {
		if l.History, err = store.History(cmd.Context(), e); err != nil {
			return nil, b.explain(store, err)
		}
	}
	return l, nil
}

// A historyJSON is a resolution as the topic of resolutions has it.
type historyJSON struct {
	State       deadletter.State `json:"state"`
	Time        time.Time        `json:"time"`
	By          string           `json:"by"`
	Run         string           `json:"run"`
	TopicID     string           `json:"topic_id,omitempty"`
	Because     string           `json:"because,omitempty"`
	ReplayTopic string           `json:"replay_topic,omitempty"`
	Repaired    bool             `json:"repaired,omitempty"`
	Twin        string           `json:"twin,omitempty"`
}

// writeLetterJSON writes a letter as list does, with its history besides.
func writeLetterJSON(out io.Writer, l *triage.Letter) error {
	entry, err := l.Entry.MarshalJSON()
	if err != nil {
		return err
	}
	history := make([]historyJSON, len(l.History))
	for i, r := range l.History {
		history[i] = historyJSON{r.State, r.Time, r.By, r.Run, r.TopicID, r.Because, r.Topic, r.Repaired, ""}
		if r.Name != l.Entry.Name {
			history[i].Twin = r.Name.String()
		}
	}
	text, err := json.Marshal(history)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s,\"history\":%s}\n", bytes.TrimSuffix(entry, []byte("}")), text)
	return err
}
