package deadlettercmd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

// What replay does if nothing else is said: no faster than a pipeline can take beside its work, and not in circles.
const (
	defaultRate       = 1000 // letters a second
	defaultMaxReplays = 5
)

func replayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay -c FILE {NAME...|FILTERS}",
		Short: "Write letters to the replay topic or another, repaired or as they are",
		Long: `Writes the letters named, or those pending that the filters select, to their replay topic, from which the pipeline
delivers them: the same key, headers and value, the oldest first, so that a player's reports keep their order.

First it says what it would do: how many letters, of which reasons and apps, a sample, and what cannot be replayed and
why. Then it asks. Where nobody can be asked it stops there, unless --yes is given.

--jq repairs each value: a jq expression from the value to exactly one other. What it leaves as it is keeps its bytes; how
many letters it leaves so altogether is told. A value that has half of a surrogate pair, or a key twice in one object,
stays pending and is told as well, unless the expression replaces that very place: it reads U+FFFD in the place of the half,
of the keys the last. --raw repairs what is no JSON: the expression is given the value's text, as one string, and makes
another. Bytes that are no UTF-8, or that begin with a zero as a Schema Registry header does, are a character each, from
U+0000 to U+00FF.

Every value, repaired or not, is checked as the pipeline will: what it would refuse again stays pending and is told. So do
letters that have come back --max-replays times, records that are no letters, those whose value the dead-letter topic did
not take, and those whose app or topic is not configured any more.

What is replayed, and the note that it is, go to Kafka in one transaction: a letter is replayed once, even if this is
killed or runs twice at the same time. Stopped by Ctrl-C, by a broker that has gone, or by another run that has taken
over, it says how far it came; the same command run again goes on.

` + destinationHelp + `

` + workJSONHelp + `

Exit codes: 0 all replayed, 1 some could not be, or the answer was no, 2 could not do what was asked, 3 no letter
matches, or all named are done already.`,
		Example: `  battlereport deadletter replay -c battlereport.yaml battle-reports.dlq/3/1042 battle-reports.dlq/3/1043
  battlereport deadletter replay -c battlereport.yaml --reason exhausted --since 2h --rate 500/s
  battlereport deadletter replay -c battlereport.yaml --violation /baseinfo/platid --dry-run --diff --jq '.baseinfo.platid |= tonumber'
  battlereport deadletter replay -c battlereport.yaml --reason invalid_json --raw --jq 'if startswith("\u0000") then .[5:] else . end'
  battlereport deadletter replay -c battlereport.yaml --ret -1011 --max 100 --yes -o json
  battlereport deadletter replay -c battlereport.yaml --app wxcde873f99466f74a --to battle-reports-test --drop-header traceparent --dry-run`,
		Args: cobra.ArbitraryArgs,
	}
	load := cli.ConfigFlag(cmd)
	opts := workOptions{}
	output := workFlags(cmd, &opts)
	flags := newFilterFlags(cmd)
	_ = cmd.Flags().MarkHidden("state") // it is always pending
	to := destinationFlags(cmd)
	rate := rateFlag{perSecond: defaultRate}
	cmd.Flags().Var(&rate, "rate", "at most `N/s` (or N/m) letters; 0: as fast as Kafka takes them")
	most := cmd.Flags().Int64("max", 0, "replay at most `N` letters, the oldest; 0: all")
	jq := cmd.Flags().String("jq", "", "repair each value with this `JQ` expression")
	raw := cmd.Flags().Bool("raw", false, "give --jq the text of each value, for what is no JSON")
	maxReplays := cmd.Flags().Int("max-replays", defaultMaxReplays, "leave letters that have been replayed `N` times already")
	cmd.Flags().BoolVar(&opts.diff, "diff", false, "show what --jq changes in the sample; with --dry-run in each letter")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opts.json = *output == "json"
		if err := to.fault(); err != nil {
			return cli.Usage(cmd, err)
		}
		if *maxReplays < 0 {
			return cli.Usage(cmd, fmt.Errorf("--max-replays %d: want 0 or more", *maxReplays))
		}
		if *most < 0 {
			return cli.Usage(cmd, fmt.Errorf("--max %d: want 0 or more", *most))
		}
		repair, err := repairOf(cmd, *jq, *raw)
		if err != nil {
			return cli.Usage(cmd, err)
		}
		box, names, filter, err := openSelection(cmd, args, flags, load)
		if err != nil {
			return err
		}
		defer box.close()
		replays, err := triage.NewReplays(box.cfg)
		if err != nil {
			return err
		}
		replays.Repair, replays.MaxReplays = repair, *maxReplays
		w, err := newWork(cmd, box, opts)
		if err != nil {
			return err
		}
		w.verb, w.done, w.rate, w.most, w.repair = "replay", "replayed", rate.perSecond, *most, repair
		if err := to.aim(cmd.Context(), w, replays); err != nil {
			return err
		}
		w.take(names, filter, flags)
		w.judge = replays.Of
		w.resolve = replayAll
		return w.do(cmd.Context())
	}
	return cmd
}

// repairOf compiles --jq, which is raw or not; nil: it is not given.
func repairOf(cmd *cobra.Command, jq string, raw bool) (*deadletter.Repair, error) {
	compile := deadletter.CompileRepair
	switch {
	case cmd.Flags().Changed("jq"):
	case raw:
		return nil, errors.New("--raw: want --jq as well, an expression from text to text")
	default:
		return nil, nil
	}
	if raw {
		compile = deadletter.CompileRawRepair
	}
	repair, err := compile(jq)
	if err != nil {
		return nil, fmt.Errorf("--jq: %w", err)
	}
	return repair, nil
}

// replayAll resolves letters by replaying them.
func replayAll(ctx context.Context, r *resolve.Resolver, replays []resolve.Replay) (resolve.Done, error) {
	return r.Replay(ctx, replays...)
}

// A rateFlag is a number of letters in a time: 500/s, 500 or 30000/m.
type rateFlag struct{ perSecond float64 }

func (r *rateFlag) String() string {
	return strconv.FormatFloat(r.perSecond, 'f', -1, 64) + "/s"
}

func (r *rateFlag) Type() string { return "N/s" }

func (r *rateFlag) Set(text string) error {
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	per, known := map[string]time.Duration{"": time.Second, "s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	if err != nil || !known || !(n >= 0) || math.IsInf(n, 1) {
		return errors.New("want a number of letters, such as 500/s, 30000/m or 0")
	}
	r.perSecond = n / per.Seconds()
	return nil
}
