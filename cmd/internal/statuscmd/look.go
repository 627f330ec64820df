package statuscmd

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/groupstatus"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/screen"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter/topic"
)

const (
	maxWindow  = time.Minute // that a watch judges by
	sayTrouble = time.Minute // at least, between words about trouble that goes on
)

// A look is what the command does. It is for one goroutine.
type look struct {
	cmd              *cobra.Command
	cfg              *config.Config
	topics           []groupstatus.Topic
	watch, all, json bool
	interval         time.Duration
	display          *screen.Screen                                                       // nil: the output is no terminal, or nothing is watched
	dial             func(ctx context.Context, network, address string) (net.Conn, error) // nil: TCP

	clock  *topic.Clock
	reader *groupstatus.Reader
	window []*groupstatus.Snapshot

	trouble  string // that Kafka gives now
	told     string
	toldAt   time.Time
	lastSeen *groupstatus.Status
}

func (l *look) do(ctx context.Context) error {
	conn, err := kafkafault.Connection(&l.cfg.Kafka, l.dial, func(err error) { cli.Complain(l.cmd, err.Error()) })
	if err != nil {
		return err
	}
	client, err := topic.NewClient(conn)
	if err != nil {
		return err
	}
	defer client.Close()
	l.clock = topic.ClockOf(client)
	l.reader = groupstatus.NewReader(client, l.cfg.Kafka.Group, l.cfg.Kafka.Start == "latest", l.topics)
	if l.watch {
		return l.follow(ctx)
	}
	status, err := l.twice(ctx)
	if err != nil {
		return err
	}
	if err := l.show(status); err != nil {
		return err
	}
	switch {
	case status.Absent():
		return cli.ErrNone
	case status.Wrong:
		return cli.ErrNo
	}
	return nil
}

// twice takes two snapshots, and judges by them. Where there is nothing, one tells.
func (l *look) twice(ctx context.Context) (*groupstatus.Status, error) {
	if err := l.take(ctx); err != nil {
		return nil, err
	}
	if status := l.judge(); status.Absent() {
		return status, nil
	}
	if err := pause(ctx, l.interval); err != nil {
		return nil, err
	}
	if err := l.take(ctx); err != nil {
		return nil, err
	}
	return l.judge(), nil
}

func (l *look) judge() *groupstatus.Status {
	return groupstatus.Judge(l.window, func(topic string, strand uint64) string { return admission.AppOfStrand(l.cfg, topic, strand) })
}

// take takes a snapshot. Trouble that may pass is waited for, for half a minute.
func (l *look) take(ctx context.Context) error {
	var stays error
	err := l.clock.Patiently(ctx, func(ctx context.Context) error {
		err := kafkafault.Explain(&l.cfg.Kafka, l.once(ctx))
		if kafkafault.Stays(err) {
			stays = err
			return nil
		}
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return cmp.Or(stays, kafkafault.Explain(&l.cfg.Kafka, err))
}

func (l *look) once(ctx context.Context) error {
	s, err := l.reader.Read(ctx)
	if err != nil {
		return err
	}
	l.window = append(l.window, s)
	for len(l.window) > 2 && s.At.Sub(l.window[1].At) >= maxWindow {
		l.window = l.window[1:]
	}
	return nil
}

// follow looks again and again until ctx ends, which is no error.
func (l *look) follow(ctx context.Context) error {
	if l.display != nil {
		defer l.display.End()
	}
	for {
		err := kafkafault.Explain(&l.cfg.Kafka, l.once(ctx))
		switch {
		case ctx.Err() != nil:
			return nil
		case kafkafault.Stays(err):
			return err
		case err != nil:
			l.trouble = "waiting for Kafka: " + err.Error()
		default:
			l.trouble = ""
			l.lastSeen = l.judge()
		}
		l.say()
		if err := l.tell(err == nil); err != nil {
			return err
		}
		if pause(ctx, l.interval) != nil {
			return nil
		}
	}
}

// say says what trouble there is, and when it is over. A screen shows it by itself.
func (l *look) say() {
	now := time.Now()
	switch {
	case l.display != nil, l.trouble == l.told:
	case l.trouble == "":
		cli.Complain(l.cmd, "Kafka answers again")
		l.told, l.toldAt = "", time.Time{}
	case now.Sub(l.toldAt) >= sayTrouble:
		cli.Complain(l.cmd, l.trouble)
		l.told, l.toldAt = l.trouble, now
	}
}

// tell shows what a watch has found, if it is new; on a screen with what is wrong. One snapshot tells too little to be judged by,
// unless there is nothing.
func (l *look) tell(isNew bool) error {
	ready := l.lastSeen != nil && (len(l.window) > 1 || l.lastSeen.Absent())
	switch {
	case l.display != nil:
		lines := []string{"Looking ..."}
		if ready {
			lines = l.view(l.display.Width(), max(3, l.display.Height()-10-len(l.lastSeen.Members))).lines(l.lastSeen)
		}
		if l.trouble != "" {
			lines = append(strings.Split(words.Fit(l.trouble, l.display.Width()), "\n"), lines...)
		}
		l.display.Draw(lines)
		return nil
	case !ready || !isNew:
		return nil
	case l.json:
		return l.show(l.lastSeen)
	}
	_, err := fmt.Fprintln(l.cmd.OutOrStdout(), line(l.lastSeen))
	return err
}

// show writes a status.
func (l *look) show(s *groupstatus.Status) error {
	out := bufio.NewWriter(l.cmd.OutOrStdout())
	var err error
	if l.json {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		if !l.watch {
			encoder.SetIndent("", "  ")
		}
		err = encoder.Encode(s)
	} else {
		shown := 20
		if l.all {
			shown = len(s.Partitions)
		}
		for _, line := range l.view(cli.Columns(l.cmd.OutOrStdout()), shown).lines(s) {
			out.WriteString(line + "\n")
		}
	}
	return errors.Join(err, out.Flush())
}

func (l *look) view(width, shown int) view {
	return view{width: width, shown: shown, coloured: cli.Coloured(l.cmd.OutOrStdout()), now: time.Now()}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
