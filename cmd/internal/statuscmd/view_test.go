package statuscmd

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/groupstatus"
)

// A terminal does what it reads: no name that comes from outside may tell it anything.
func TestNoNameReachesATerminalAsItIs(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\r\nx\u202e"
	n, partitions := int64(1), 1
	member := &groupstatus.MemberIdentity{ID: evil, ClientID: evil, Host: evil}
	s := &groupstatus.Status{
		Group:   groupstatus.GroupStatus{Name: evil, State: evil, Type: evil, Assignor: evil},
		Members: []groupstatus.MemberStatus{{ID: evil, ClientID: evil, Host: evil, InstanceID: evil, Partitions: &partitions}},
		Topics:  []groupstatus.TopicStatus{{Name: evil, Unread: true}},
		Partitions: []groupstatus.PartitionStatus{{
			Topic: evil, State: groupstatus.Held, Committed: &n, End: &n, Member: member,
			Deferred: []groupstatus.DeferredApp{{AppID: evil, Records: 1}},
		}},
	}
	shown := strings.Join(view{now: time.Now(), shown: 20}.lines(s), "")
	if strings.ContainsAny(shown, "\x1b\r\n\u202e") {
		t.Errorf("%q", shown)
	}
	if count := strings.Count(shown, "[2J"); count != 12 {
		t.Errorf("%d names are shown: %q", count, shown)
	}
}

func TestTroubleThatChangesIsSaidOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		cmd := &cobra.Command{Use: "battlereport"}
		cmd.SetErr(&said)
		l := &look{cmd: cmd}
		for began := time.Now(); time.Since(began) < 3*time.Minute; time.Sleep(time.Second) {
			l.trouble = time.Since(began).String()
			l.say()
		}
		if lines := strings.Count(said.String(), "\n"); lines != 3 {
			t.Errorf("in 3 minutes %d lines: %s", lines, said.String())
		}
	})
}
