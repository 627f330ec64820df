package deadlettercmd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// unknownApp is what people say for the app of letters for which none is known.
const unknownApp = "unknown"

// filterFlags are the flags that select letters.
type filterFlags struct {
	reasons, apps, rets             []string
	since, until                    string
	openID, topic, violation, where string
	partition                       int
	offset                          int64
	delivery, state                 cli.Choice
	flags                           *pflag.FlagSet
	failed                          int64 // letters on which --where failed
	failedErr                       error
}

// newFilterFlags gives cmd the flags that select letters.
func newFilterFlags(cmd *cobra.Command) *filterFlags {
	f := &filterFlags{
		delivery: cli.Choice{Allowed: []string{string(deadletter.None), string(deadletter.Uncertain)}},
		state: cli.Choice{
			Value:   string(deadletter.Pending),
			Allowed: []string{string(deadletter.Pending), string(deadletter.Replayed), string(deadletter.Discarded), string(deadletter.AnyState)},
		},
		flags: cmd.Flags(),
	}
	flags := f.flags
	flags.StringSliceVar(&f.reasons, "reason", nil, "letters of `REASON`[,REASON]: "+strings.Join(reasonNames(), ", ")+" (of records that are no letters of ours)")
	flags.StringSliceVar(&f.apps, "app", nil, "of the app `APPID`[,APPID]; "+unknownApp+" for those of no known app")
	flags.StringSliceVar(&f.rets, "ret", nil, "on which the platform answered `RET`[,RET]")
	flags.StringVar(&f.since, "since", "", "that became letters at `TIME` or later: a time, or how long ago, such as 2h or 3d")
	flags.StringVar(&f.until, "until", "", "that became letters before `TIME`, likewise")
	flags.StringVar(&f.openID, "openid", "", "of the player `OPENID`")
	flags.StringVar(&f.topic, "topic", "", "of records that first came from `TOPIC`; only its dead-letter topic is read")
	flags.IntVar(&f.partition, "partition", 0, "of records that first came from partition `N`")
	flags.Int64Var(&f.offset, "offset", 0, "of records that first came from offset `N`")
	flags.StringVar(&f.violation, "violation", "", "with a violation at `POINTER` or below it: a JSON Pointer into the value or the schema")
	flags.Var(&f.delivery, "delivery", "with the `DELIVERY` none, or uncertain: those that the platform may have all the same")
	flags.Var(&f.state, "state", "in the `STATE` pending, replayed, discarded or all")
	flags.StringVar(&f.where, "where", "", "for which the `JQ` expression holds, over {value, text, headers, letter}")
	return f
}

// reasonNames are the reasons that people may ask for: [triage.Foreign] besides those that letters have.
func reasonNames() []string {
	var names []string
	for _, r := range deadletter.Reasons() {
		names = append(names, string(r))
	}
	return append(names, triage.Foreign)
}

// narrowing are the flags with which a filter selects less than all that is pending.
var narrowing = []string{
	"reason", "app", "ret", "since", "until", "openid", "topic", "partition", "offset", "violation", "delivery", "where",
}

// narrows reports whether the flags select less than all that is pending.
func (f *filterFlags) narrows() bool { return slices.ContainsFunc(narrowing, f.flags.Changed) }

// empty returns an error if a flag that was given selects nothing in particular, as --openid "$X" does when the variable
// is not set: it would otherwise select everything.
func (f *filterFlags) empty() error {
	for _, name := range narrowing {
		flag := f.flags.Lookup(name)
		if flag == nil || !flag.Changed {
			continue
		}
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if len(values) == 0 || slices.Contains(values, "") {
			return fmt.Errorf("--%s: want a value, have none", name)
		}
	}
	return nil
}

// filter reads the flags. What is wrong with one is told with its name.
func (f *filterFlags) filter(now time.Time) (filter deadletter.Filter, err error) {
	if err := f.empty(); err != nil {
		return filter, err
	}
	flag := func(name, value string, problem error) {
		if err == nil && problem != nil {
			err = fmt.Errorf("--%s %q: %w", name, value, problem)
		}
	}
	for _, name := range f.reasons {
		if !slices.Contains(reasonNames(), name) {
			flag("reason", name, fmt.Errorf("want %s%s", strings.Join(reasonNames(), ", "), cli.Suggestion(name, reasonNames())))
		}
		filter.Reasons = append(filter.Reasons, deadletter.Reason(name))
	}
	for _, id := range f.apps {
		if id == unknownApp {
			id = ""
		}
		filter.AppIDs = append(filter.AppIDs, id)
	}
	for _, text := range f.rets {
		ret, problem := strconv.Atoi(text)
		if problem != nil {
			flag("ret", text, errors.New("want a number, such as -1011"))
		}
		filter.Rets = append(filter.Rets, ret)
	}
	var problem error
	if f.since != "" {
		filter.Since, problem = parseMoment(f.since, now)
		flag("since", f.since, problem)
	}
	if f.until != "" {
		filter.Until, problem = parseMoment(f.until, now)
		flag("until", f.until, problem)
	}
	if err == nil && f.since != "" && f.until != "" && !filter.Since.Before(filter.Until) {
		flag("until", f.until, fmt.Errorf("is not after --since %s", f.since))
	}
	if f.flags.Changed("partition") {
		if filter.Partition = &f.partition; f.partition < 0 {
			flag("partition", strconv.Itoa(f.partition), errors.New("partitions count from 0"))
		}
	}
	if f.flags.Changed("offset") {
		if filter.Offset = &f.offset; f.offset < 0 {
			flag("offset", strconv.FormatInt(f.offset, 10), errors.New("offsets count from 0"))
		}
	}
	if f.violation != "" && !strings.HasPrefix(f.violation, "/") {
		flag("violation", f.violation, errors.New("want a JSON Pointer, such as /baseinfo/platid"))
	}
	if f.where != "" {
		if filter.Where, problem = deadletter.CompileWhere(f.where); problem != nil && err == nil {
			err = fmt.Errorf("--where: %w", problem) // it quotes the expression
		}
	}
	filter.OpenID, filter.Topic, filter.Violation = f.openID, f.topic, f.violation
	filter.Delivery, filter.State = deadletter.Delivery(f.delivery.Value), deadletter.State(f.state.Value)
	return filter, err
}

// open reads the flags and the configuration, and opens the topics that they choose.
func (f *filterFlags) open(cmd *cobra.Command, load func() (*config.Config, error), now time.Time) (*letterbox, deadletter.Filter, error) {
	filter, err := f.filter(now)
	if err != nil {
		return nil, filter, err
	}
	cfg, conn, err := connect(cmd, load)
	if err != nil {
		return nil, filter, err
	}
	box, err := openLetters(cfg, conn, f.topic)
	return box, filter, err
}

// noteFailed counts a letter on which --where failed.
func (f *filterFlags) noteFailed(_ deadletter.Name, err error) {
	if f.failed++; f.failed == 1 {
		f.failedErr = err
	}
}

// complaint is what there is to say about --where, or nothing.
func (f *filterFlags) complaint() string {
	if f.failed == 0 {
		return ""
	}
	which := "which does not match"
	if f.failed > 1 {
		which = "none of which matches; the first"
	}
	return fmt.Sprintf("--where failed on %s, %s: %s", words.Number(f.failed, "letter"), which, words.Visible(f.failedErr.Error()))
}
