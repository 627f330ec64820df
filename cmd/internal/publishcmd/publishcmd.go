// Package publishcmd is the command publish: it brings reports, one a line, to a topic of the configuration, once each has
// been checked as the pipeline will.
//
// The lines of one player keep their order, and there is one line before which all is done, whatever ends it. A record
// whose acknowledgement is lost is in the topic once all the same (Kafka's idempotent producer): only what a run has given up
// may be there, and be there twice after the next.
package publishcmd

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/pace"
	"github.com/battlereport/battlereport/consumer"
)

// New returns the command.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish -c FILE [FILE|-]",
		Short: "Publish battle reports, one a line, to Kafka",
		Long: `Reads JSON Lines, one battle report a line, from FILE or standard input, checks each as the pipeline will, and writes it
to a topic of the configuration: the value is the line byte for byte without its ending, the key is baseinfo.openid,
and the partition is the one that Java clients choose for that key. Blank lines count but are skipped. FILE is text in
UTF-8; a byte order mark before the first line is no part of it.

The lines of one player keep their order. A line is published once all in-sync replicas have it. While Kafka does not
take records it is tried again for half a minute; a record whose acknowledgement is lost on the way is in the topic
once all the same.

A bad line is told on standard error with its number, the reason and what is wrong first. With --bad fail, the default,
all before it is published and nothing after it; with --bad skip it is left out.

SIGINT or SIGTERM: what is on its way to Kafka is finished, and the summary says with which --from-line to go on. A
second signal ends it at once.

Exit codes: 0 all published, 1 some lines were bad, 2 could not publish all.`,
		Example: `  battlereport publish -c battlereport.yaml reports.jsonl
  battlereport publish -c battlereport.yaml --dry-run --bad skip reports.jsonl
  battlereport publish -c battlereport.yaml --from-line 5001 reports.jsonl
  battlereport publish -c battlereport.yaml --topic battle-reports --app wxcde873f99466f74a reports.jsonl
  jq -c . report.json | battlereport publish -c battlereport.yaml --header origin=replica-3
  generate-reports | battlereport publish -c battlereport.yaml --rate 100`,
		Args: cli.UpTo(1),
	}
	load := cli.ConfigFlag(cmd)
	flags := cmd.Flags()
	topic := flags.String("topic", "", "`TOPIC` to publish to, one of the configuration; needed if that has several")
	app := flags.String("app", "", "`APPID` for the header appid, which picks the app; needed if the topic serves several")
	headers := flags.StringArray("header", nil, "`NAME=VALUE` of a header for every record; may be given more than once")
	bad := &cli.Choice{Value: "fail", Allowed: []string{"fail", "skip"}}
	flags.Var(bad, "bad", "what a bad line does: `fail|skip`")
	rate := flags.Float64("rate", 0, "at most `N` records a second; 0: as fast as Kafka takes them")
	from := flags.Int("from-line", 1, "first line to publish, `N`; those before it are not looked at")
	dryRun := flags.Bool("dry-run", false, "check every line, connect to nothing and publish nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *from < 1 {
			return cli.Usage(cmd, fmt.Errorf("--from-line %d: lines count from 1", *from))
		}
		if !(*rate >= 0) || math.IsInf(*rate, 1) { // not a number is neither
			return cli.Usage(cmd, fmt.Errorf("--rate %v: want 0 or more records a second", *rate))
		}
		extra, err := parseHeaders(*headers)
		if err != nil {
			return cli.Usage(cmd, err)
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		dest, err := newDestination(cfg, *topic, *app, extra)
		if err != nil {
			return err
		}
		conn, err := kafkafault.Connection(&cfg.Kafka, nil, func(err error) { cli.Complain(cmd, err.Error()) })
		if err != nil {
			return err
		}
		in, err := cli.OpenInput(cmd, args)
		if err != nil {
			return err
		}
		defer in.Close()
		size, typed := cli.InputSize(cmd, args)
		progress := cli.NewProgress(cmd)
		if !typed {
			task := cli.Task{Name: "publishing", Total: size}
			if size < 0 {
				task.Unit = "records"
			}
			progress.Begin(task)
		}
		p := &publication{
			name:     cli.InputName(args),
			in:       in,
			from:     *from,
			dest:     dest,
			failFast: bad.Value == "fail",
			pace:     pace.New(*rate, portionRecords),
			progress: progress,
			inBytes:  size >= 0,
			stderr:   progress.Over(cmd.ErrOrStderr()),
		}
		return cli.OfInput(args, p.publish(cmd.Context(), conn, *dryRun))
	}
	return cmd
}

// parseHeaders reads NAME=VALUE. The value may hold more equals signs, or be empty.
func parseHeaders(texts []string) ([]consumer.Header, error) {
	var headers []consumer.Header
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		switch {
		case !ok || name == "":
			return nil, fmt.Errorf("--header %q: want NAME=VALUE", text)
		case name == admission.HeaderAppID:
			return nil, fmt.Errorf("--header %q: it picks the app, for which there is --app", text)
		}
		headers = append(headers, consumer.Header{Key: name, Value: []byte(value)})
	}
	return headers, nil
}
