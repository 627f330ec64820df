// Package skipcmd is the command skip: it moves the consumer group past one record batch of Kafka's that cannot be read,
// once a person has decided so, and keeps the batch in a file. What it moves, and what stays as it was, is a matter of
// package consumer's, which owns what is committed.
package skipcmd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
)

const jsonHelp = `-o json has, once there is something to be passed: topic, partition, group; batch (the offset at which it begins), first
and last (the offsets that cannot be read), records (that it says it has), bytes, why; committed (where the group stands)
and moved (where it is to stand; the same if something before the batch is not settled: then it is noted to pass the batch);
dry_run; kept (the file); skipped; and error, which ended it.`

// New returns the command.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "skip -c FILE --keep FILE TOPIC/PARTITION[/OFFSET]",
		Short: "Move the group past a record batch that cannot be read",
		Long: `A record batch that cannot be read holds its partition, and the log of run names it. This moves the group past that one
batch, of an app's topic or a replay topic, and keeps the batch in a file. Without an offset it is the batch at which
the group is to go on.

Nothing else is passed: records before it, or of it that can be read, are still taken, what is settled beyond it is not
taken again, and what was deferred comes later. A batch that can be read is never passed: run makes dead letters of bad
records by itself. Another replica may have the batch unharmed: have it lead the partition first, if there is one.

First it says what it would do, then it asks. The group must have no members: stop all of run first, and start it again
afterwards. The file is written before the group is moved, and none is overwritten. It holds the batch as the broker has
it, as a segment of a log does. Kafka shows what can be told of it, if the file's name is a number and .log:
kafka-dump-log.sh --print-data-log --files 00000000000000001042.log

` + jsonHelp + `

Exit codes: 0 moved, 1 the answer was no, 2 could not do what was asked, 3 there is nothing to be passed: the batch can be
read, or the group has passed it, or will.`,
		Example: `  battlereport skip -c battlereport.yaml --dry-run battle-reports/3
  battlereport skip -c battlereport.yaml --keep 00000000000000001042.log battle-reports/3
  battlereport skip -c battlereport.yaml --keep 00000000000000000017.log --yes battle-reports.replay/0/17`,
		Args: cli.UpTo(1),
	}
	load := cli.ConfigFlag(cmd)
	s := &skip{cmd: cmd}
	output := cli.OutputFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&s.file, "keep", "", "`FILE` that the batch is written to; needed, but for --dry-run")
	cmd.Flags().BoolVar(&s.dryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.Flags().BoolVar(&s.yes, "yes", false, "do it without asking")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if s.cfg, err = load(); err != nil {
			return err
		}
		if len(args) == 0 {
			return cli.Usage(cmd, errors.New("which batch? TOPIC/PARTITION is needed, or TOPIC/PARTITION/OFFSET"))
		}
		if s.place, err = parsePlace(args[0]); err != nil {
			return cli.Usage(cmd, err)
		}
		if topics := takenTopics(s.cfg); !slices.Contains(topics, s.topic) {
			return cli.Usage(cmd, fmt.Errorf("topic %s is not one that run takes: want %s", s.topic, strings.Join(topics, " or ")))
		}
		if s.file == "" && !s.dryRun {
			return cli.Usage(cmd, errors.New("where is the batch to be kept? --keep FILE is needed, or --dry-run"))
		}
		s.json = *output == "json"
		return s.do(cmd.Context())
	}
	return cmd
}

// takenTopics are those that the pipeline takes: the apps' topics, and those of replays.
func takenTopics(cfg *config.Config) []string {
	topics := cfg.SourceTopics()
	for _, source := range cfg.SourceTopics() {
		topics = append(topics, cfg.DeadLetter.ReplayTopicFor(source))
	}
	return topics
}

// A place is where a batch lies.
type place struct {
	topic     string
	partition int
	offset    int64 // of the batch, or in it; below 0: where the group is to go on
}

func (p place) String() string {
	text := p.topic + "/" + strconv.Itoa(p.partition)
	if p.offset >= 0 {
		text += "/" + strconv.FormatInt(p.offset, 10)
	}
	return text
}

func parsePlace(text string) (p place, err error) {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" {
		return p, fmt.Errorf("%.300q is no place in a topic: want TOPIC/PARTITION or TOPIC/PARTITION/OFFSET", text)
	}
	partition, err := strconv.ParseUint(parts[1], 10, 31)
	if err != nil {
		return p, fmt.Errorf("%.300q: the partition %q is not a number from 0 on", text, parts[1])
	}
	p = place{parts[0], int(partition), -1}
	if len(parts) == 3 {
		offset, err := strconv.ParseUint(parts[2], 10, 63)
		if err != nil {
			return p, fmt.Errorf("%.300q: the offset %q is not a number from 0 on", text, parts[2])
		}
		p.offset = int64(offset)
	}
	return p, nil
}
