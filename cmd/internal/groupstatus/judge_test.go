package groupstatus

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const step = 3 * time.Second // between the snapshots of a test

// of returns a partition with a member, where the group stands, and the end.
func of(position, end int64, changes ...func(*Partition)) Partition {
	p := Partition{Topic: "t", Owner: "m1", End: end, Stable: end, Committed: position, Position: position, Noted: consumer.Noted{Horizon: position}}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func old(age time.Duration) func(*Partition) {
	return func(p *Partition) { p.Oldest = noon.Add(-age) }
}

// noted is what is said beside the commit.
func noted(horizon, unsettled int64, deferred ...consumer.Deferral) func(*Partition) {
	return func(p *Partition) {
		p.Noted = consumer.Noted{Horizon: horizon, Unsettled: unsettled, Deferred: deferred}
	}
}

func unowned(p *Partition) { p.Owner = "" }

func stable(at int64) func(*Partition) { return func(p *Partition) { p.Stable = at } }

// windowOf is a snapshot for each state of the partition, the last of them at noon.
func windowOf(states ...Partition) (window []*Snapshot) {
	for i, p := range states {
		window = append(window, &Snapshot{
			At: noon.Add(-time.Duration(len(states)-1-i) * step), Group: Group{Name: "g", State: "Stable", Type: "classic", Coordinator: 1},
			Members: []Member{{ID: "m1", ClientID: "c", Host: "/10.0.0.1", Partitions: 1}},
			Topics:  []Topic{{Name: "t"}}, Partitions: []Partition{p},
		})
	}
	return window
}

func noApp(string, uint64) string { return "" }

func TestAPartitionIsInTheStateThatItsCourseSays(t *testing.T) {
	t.Parallel()
	late := old(10 * time.Minute)
	for rule, test := range map[string]struct {
		states []Partition
		want   State
	}{
		"nothing waits, and nothing comes":                              {[]Partition{of(5, 5), of(5, 5)}, Idle},
		"nothing waits, of what comes":                                  {[]Partition{of(5, 5), of(9, 9)}, OK},
		"what waits is young, and nothing moves":                        {[]Partition{of(5, 9, old(29*time.Second)), of(5, 9, old(29*time.Second))}, OK},
		"nothing moves, and what waits is late":                         {[]Partition{of(5, 9, old(LateAfter)), of(5, 9, old(LateAfter))}, Stalled},
		"nothing moves, while more comes":                               {[]Partition{of(5, 9, late), of(5, 99, late)}, Stalled},
		"nothing moves, and the age is not known":                       {[]Partition{of(5, 9), of(5, 9)}, Stalled},
		"the age is none that can be meant":                             {[]Partition{of(5, 9, old(-time.Hour)), of(5, 9, old(-time.Hour))}, Stalled},
		"it was settled in between":                                     {[]Partition{of(5, 9, late), of(9, 9, late), of(9, 20, late)}, OK},
		"some is settled, and less waits":                               {[]Partition{of(5, 90, late), of(20, 95, late)}, CatchingUp},
		"some is settled, and as much comes":                            {[]Partition{of(5, 90, late), of(15, 100, late)}, FallingBehind},
		"some is settled, and more comes":                               {[]Partition{of(5, 90, late), of(15, 200, late)}, FallingBehind},
		"some is settled, the age not known":                            {[]Partition{of(5, 90), of(15, 200)}, FallingBehind},
		"the first waits, and what is behind it is settled":             {[]Partition{of(5, 90, late, noted(10, 1)), of(5, 90, late, noted(40, 1))}, Held},
		"the first waits, and all behind it is settled":                 {[]Partition{of(5, 90, late, noted(90, 1)), of(5, 90, late, noted(90, 1))}, Held},
		"something behind it was settled once, and nothing is now":      {[]Partition{of(5, 90, late, noted(40, 1)), of(5, 90, late, noted(40, 1))}, Stalled},
		"an app is deferred, and others flow":                           {[]Partition{of(5, 90, late, noted(10, 5, consumer.Deferral{Left: 5})), of(5, 90, late, noted(60, 50, consumer.Deferral{Left: 50}))}, Held},
		"an app is deferred, and all are taken up to an open end":       {[]Partition{of(5, 90, late, noted(90, 85, consumer.Deferral{Left: 85})), of(5, 90, late, noted(90, 85, consumer.Deferral{Left: 85}))}, Held},
		"what is first gets on, though something is settled beyond it":  {[]Partition{of(5, 90, late, noted(10, 1)), of(6, 90, late, noted(40, 1))}, CatchingUp},
		"a transaction holds what is next":                              {[]Partition{of(5, 90, late, stable(5)), of(5, 90, late, stable(5))}, Unstable},
		"a transaction holds what is next, beyond what is settled":      {[]Partition{of(5, 90, late, stable(50), noted(50, 1)), of(5, 90, late, stable(50), noted(50, 0))}, Unstable},
		"a transaction that is young holds it":                          {[]Partition{of(5, 90, old(time.Second), stable(5)), of(5, 90, old(time.Second), stable(5))}, OK},
		"a transaction is open farther on, and nothing moves before it": {[]Partition{of(5, 90, late, stable(80)), of(5, 90, late, stable(80))}, Stalled},
		"nobody has it, however young what waits is":                    {[]Partition{of(5, 9, unowned, old(0)), of(5, 9, unowned, old(0))}, Unowned},
		"nobody has it, and nothing waits":                              {[]Partition{of(9, 9, unowned), of(9, 9, unowned)}, Idle},
		"retention has passed where the group stands":                   {[]Partition{of(5, 90), of(5, 90, func(p *Partition) { p.Start = 7 })}, Lost},
		"retention has emptied it, and the group with it":               {[]Partition{of(90, 90), of(90, 90, func(p *Partition) { p.Start = 90 })}, Idle},
		"retention has passed where nothing is committed": {[]Partition{of(7, 90, late), of(7, 90, old(0), func(p *Partition) {
			p.Start, p.Committed = 7, -1
		})}, OK},
		"nobody leads it":          {[]Partition{of(5, 90, late), of(5, 90, late, func(p *Partition) { p.Leaderless = true })}, Leaderless},
		"the group was reset back": {[]Partition{of(50, 90, late), of(5, 90, late)}, OK},
		"the topic was made anew":  {[]Partition{of(50, 90, late), of(0, 5, late, func(p *Partition) { p.Anew = true })}, OK},
		"the topic was made anew, and nobody has taken notice of that": {[]Partition{of(0, 5, late, func(p *Partition) { p.Anew = true }), of(0, 5, late, func(p *Partition) { p.Anew = true })}, Stalled},
	} {
		if got := Judge(windowOf(test.states...), noApp); got.State != test.want || got.Partitions[0].State != test.want || got.Wrong != test.want.Wrong() {
			t.Errorf("%s: %v (%s), want %v", rule, got.State, got.Verdict, test.want)
		}
	}
}

func TestWhoOwnsAPartitionIsNotSaidToBeNobodyWhereThatIsNotKnown(t *testing.T) {
	t.Parallel()
	for rule, change := range map[string]func(*Snapshot){
		"the group is rebalancing":                     func(s *Snapshot) { s.Group.State = "CompletingRebalance" },
		"the brokers are about to assign":              func(s *Snapshot) { s.Group.State = "Reconciling" },
		"the assignment of a member cannot be decoded": func(s *Snapshot) { s.Members[0].Unknown = true },
	} {
		window := windowOf(of(5, 9, unowned, old(0)), of(5, 9, unowned, old(0)))
		change(window[1])
		if got := Judge(window, noApp); got.State != OK {
			t.Errorf("%s: %v", rule, got.State)
		}
	}
}

func TestFiguresAreOfTheWindow(t *testing.T) {
	t.Parallel()
	got := Judge(windowOf(of(100, 1000, old(time.Minute)), of(400, 1030, old(time.Minute), noted(500, 40, consumer.Deferral{Strand: 7, Left: 30}))), func(topic string, strand uint64) string {
		if topic == "t" && strand == 7 {
			return "wx7"
		}
		return ""
	})
	p := got.Partitions[0]
	// Of 630 offsets 60 are settled beyond: 570 wait. In 3 s 30 came and 360 were settled.
	if *p.Lag != 630 || *p.Waiting != 570 || p.Beyond != 60 || *p.In != 10 || *p.Out != 120 || *p.Age != 60 || got.Window != 3 {
		t.Errorf("%+v", p)
	}
	if want := 570.0 / 110; *p.CatchUp != want || *got.Total.CatchUp != want || *got.Topics[0].CatchUp != want {
		t.Errorf("caught up in %v, want %v", *p.CatchUp, want)
	}
	if len(p.Deferred) != 1 || p.Deferred[0].AppID != "wx7" || p.Deferred[0].Records != 30 {
		t.Errorf("deferred are %+v", p.Deferred)
	}
	window := windowOf(of(100, 1000, old(time.Minute)), of(400, 1000, old(time.Minute))) // there in 6 s
	for i, position := range []int64{100, 130} {                                         // there in 87 s
		slow := of(position, 1000, old(time.Minute))
		slow.Partition = 1
		window[i].Partitions = append(window[i].Partitions, slow)
	}
	if got := Judge(window, noApp); *got.Total.CatchUp != 87 {
		t.Errorf("all are there when the last is: %v", *got.Total.CatchUp)
	}
	if got := Judge(windowOf(of(100, 1000, old(time.Minute)), of(110, 1030, old(time.Minute))), noApp); got.Total.CatchUp != nil {
		t.Errorf("a group that falls behind is never there: %v", *got.Total.CatchUp)
	}
}

func TestAVerdictNamesWhatIsWrongAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	late := old(10 * time.Minute)
	twice := func(p Partition) []Partition { return []Partition{p, p} }
	for rule, test := range map[string]struct {
		states  []Partition
		change  func(*Snapshot)
		verdict string // a pattern
		advice  string
	}{
		"nobody is there": {
			twice(of(5, 1005, unowned, late)), func(s *Snapshot) { s.Members, s.Group.State = nil, "Empty" },
			`^Nobody takes 1,000 records of t/0, the oldest for 10m: the group g has no members\.$`, "Start battlereport run",
		},
		"nobody of those who are there": {twice(of(5, 6, unowned, late)), nil, `^No member has t/0, where 1 record wait`, "deploy the same"},
		"it stands":                     {twice(of(5, 6, late)), nil, `^Nothing is settled of t/0`, "See the log and /readyz of c at 10.0.0.1:"},
		"it is slow":                    {[]Partition{of(5, 90, late), of(8, 99, late)}, nil, `^The group falls behind in t/0: 91 records wait, the oldest for 10m; 3.0 come a second and 1.0 are settled\.$`, "Add members"},
		"nothing is late":               {[]Partition{of(5, 90, old(6*time.Second)), of(8, 99, old(6*time.Second))}, nil, `^All is well: 91 records under way, the oldest for 6s; 3.0 come a second and 1.0 are settled\.$`, ""},
		"it was slow":                   {[]Partition{of(5, 99, late), of(8, 99, late)}, nil, `^The group catches up, done in 1m 31s: 91 records`, ""},
		"an app is held": {
			[]Partition{of(5, 90, late), of(5, 90, late, noted(90, 50, consumer.Deferral{Left: 50}))},
			nil,
			`^What is first in t/0 waits, the oldest for 10m, while what is behind it is settled; deferred are 50 of apps that are not configured\.$`, "msdk explain",
		},
		"records are lost":        {twice(of(5, 90, func(p *Partition) { p.Start = 6 })), nil, `^Records are lost: retention deleted 1 record of t/0 before it was settled\.$`, "retention.ms"},
		"a transaction":           {twice(of(5, 90, late, stable(5))), nil, `^A producer has a transaction open in t/0`, "find-hanging"},
		"no leader":               {twice(of(5, 90, func(p *Partition) { p.Leaderless = true })), nil, `^No broker leads t/0`, "brokers"},
		"a topic is missing":      {twice(of(9, 9)), func(s *Snapshot) { s.Topics = append(s.Topics, Topic{Name: "u", Missing: true}) }, `^There is no topic u\.$`, "Create it"},
		"that of replays is none": {twice(of(9, 9)), func(s *Snapshot) { s.Topics = append(s.Topics, Topic{Name: "r", Replayed: true, Missing: true}) }, `^All is well: nothing waits`, ""},
		"nothing is there at all": {nil, func(s *Snapshot) { s.Topics[0].Missing = true; s.Partitions = nil }, `^There is no topic t, or this client may not see it\.$`, "Create it"},
		"no group":                {twice(of(0, 9, unowned, func(p *Partition) { p.Committed = -1 })), func(s *Snapshot) { s.Group.State, s.Members = "Dead", nil }, `^There is no group g`, "Start battlereport run"},
	} {
		states := test.states
		if states == nil {
			states = twice(of(0, 0))
		}
		window := windowOf(states...)
		if test.change != nil {
			test.change(window[1])
		}
		got := Judge(window, noApp)
		if !regexp.MustCompile(test.verdict).MatchString(got.Verdict) || !strings.Contains(got.Advice, test.advice) || (got.Advice == "") != (test.advice == "") {
			t.Errorf("%s: %q, %q", rule, got.Verdict, got.Advice)
		}
	}
}

// Whatever Kafka says, in whatever order, the judgement holds together.
func TestAJudgementHoldsTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		partition := rapid.Custom(func(t *rapid.T) Partition {
			number := func(name string) int64 { return rapid.Int64Range(0, 50).Draw(t, name) }
			p := of(number("position"), number("end"), noted(number("horizon"), number("unsettled")))
			p.Start, p.Stable = min(p.End, number("start")), min(p.End, number("stable"))
			p.Anew, p.Leaderless = rapid.Bool().Draw(t, "anew"), rapid.Bool().Draw(t, "leaderless")
			p.Oldest = noon.Add(-time.Duration(number("age")) * time.Second)
			if rapid.Bool().Draw(t, "uncommitted") {
				p.Committed = -1
			}
			if rapid.Bool().Draw(t, "unowned") {
				p.Owner = ""
			}
			return p
		})
		window := windowOf(rapid.SliceOfN(partition, 1, 4).Draw(t, "window")...)
		for _, s := range window {
			for i, p := range rapid.SliceOfN(partition, 0, 3).Draw(t, "others") {
				p.Partition = int32(i + 1)
				s.Partitions = append(s.Partitions, p)
			}
		}
		got := Judge(window, noApp)
		worst := Idle
		for i, p := range got.Partitions {
			worst = max(worst, p.State)
			if i > 0 && p.State > got.Partitions[i-1].State {
				t.Fatalf("what is worst does not come first: %+v", got.Partitions)
			}
			if p.State == Leaderless {
				continue
			}
			if *p.Lag == 0 && p.State > OK && p.State != Lost {
				t.Fatalf("%+v", p)
			}
			if *p.Waiting < 0 || *p.Waiting > *p.Lag || p.Beyond < 0 || p.In != nil && (*p.In < 0 || *p.Out < 0) || p.CatchUp != nil && *p.CatchUp < 0 {
				t.Fatalf("a figure that cannot be: %+v", p)
			}
			if p.State.Wrong() && *p.Lag == 0 && p.State != Lost {
				t.Fatalf("nothing waits, and something is wrong: %+v", p)
			}
			if p.State == CatchingUp && p.CatchUp == nil || p.State == FallingBehind && p.CatchUp != nil {
				t.Fatalf("the word and the time to catch up differ: %+v", p)
			}
		}
		if got.State != worst || got.Wrong != worst.Wrong() || got.Verdict == "" || got.Wrong && got.Advice == "" && !got.Absent() {
			t.Fatalf("%+v", got)
		}
		if again := Judge(window, noApp); !reflect.DeepEqual(again, got) {
			t.Fatal("to judge has changed what was judged")
		}
		if _, err := json.Marshal(got); err != nil {
			t.Fatal(err)
		}
	})
}
