package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
)

// anew deletes the topic of the letters and makes it anew, with n letters, which can be replayed.
func (p *post) anew(t *testing.T, n int) {
	t.Helper()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &p.dlq
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.Topics = []string{p.dlq}, append(req.Topics, topic)
	if _, err := req.RequestWith(t.Context(), kafkaClient(t, p.Broker)); err != nil {
		t.Fatal(err)
	}
	for {
		err := p.CreateTopic(t.Context(), p.dlq, p.partitions, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, kerr.TopicAlreadyExists) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // a topic does not call
	}
	if n > 0 {
		p.letters(t, n, goodLetters)
	}
}

// A hookedWriter calls the hook when the text is written, once.
type hookedWriter struct {
	written strings.Builder
	text    string
	hook    func()
}

func (w *hookedWriter) Write(text []byte) (int, error) {
	if w.hook != nil && strings.Contains(string(text), w.text) {
		w.hook()
		w.hook = nil
	}
	return w.written.Write(text)
}

func TestAPlanIsOfTheTopicThatWasLookedAt(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		letters int // of the new topic
		args    []string
	}{
		"and its letters were selected":                       {8, []string{"replay", "--since", "1d"}},
		"and its letters were selected, and there are none":   {0, []string{"replay", "--since", "1d"}},
		"and its letters were named":                          {8, []string{"replay", "TOPIC.dlq/0/0", "TOPIC.dlq/0/3"}},
		"and its letters were selected, to be discarded":      {8, []string{"discard", "--since", "1d", "--because", "noise"}},
		"and its letters were named, to be discarded":         {8, []string{"discard", "--because", "noise", "TOPIC.dlq/0/3"}},
		"and its letters were named, of which there are none": {0, []string{"discard", "--because", "noise", "TOPIC.dlq/0/3"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			p := newPost(t, 1)
			p.letters(t, 8, goodLetters)
			stdout, stderr := &hookedWriter{text: " would be ", hook: func() { p.anew(t, test.letters) }}, &strings.Builder{}
			args := append([]string{"deadletter", test.args[0], "-c", p.config, "--yes"}, test.args[1:]...)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "TOPIC", p.source)
			}
			code := run(t.Context(), args, strings.NewReader(""), stdout, stderr)
			want := "battlereport: topic " + p.dlq + " has been deleted or made anew while it was read\n"
			if code != exitCannot || stderr.String() != want || !strings.Contains(stdout.written.String(), "to go on, run the same command again") {
				t.Errorf("exit code %d: %s%s", code, &stdout.written, stderr)
			}
			if n := len(p.names(t, "pending")); n != test.letters || total(p.replayed(t)) > 0 {
				t.Errorf("%d letters are pending, %d replayed", n, total(p.replayed(t)))
			}
		})
	}
}

func TestAReplayWhoseTopicIsMadeAnewEndsAndTheSameCommandGoesOnWithTheNewLetters(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 60, goodLetters)
	ended := make(chan outcome)
	go func() { ended <- p.invoke(t, "", "replay", "--since", "1d", "--yes", "--rate", "1/s") }()
	awaitReplayed(t, p, ended)
	p.anew(t, 60)
	done := total(p.replayed(t))
	got := <-ended
	done = max(done, total(p.replayed(t)))
	if got.code != exitCannot || !strings.Contains(got.stderr, " is gone: its topic has been deleted or made anew since it was read\n") ||
		!strings.Contains(got.stdout, "it is gone: its topic has been deleted or made anew\n") {
		t.Errorf("%+v", got)
	}
	if n := len(p.names(t, "pending")); n != 60 {
		t.Errorf("%d letters of the new topic are pending", n)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--yes", "--rate", "0"); got.code != exitDone || !strings.Contains(got.stdout, "replayed 60 letters to ") {
		t.Errorf("%+v", got)
	}
	if n := total(p.replayed(t)); n != done+60 {
		t.Errorf("%d are replayed, %d of the former topic", n, done)
	}
}

func TestAnExportOfATopicMadeAnewSinceIsNotImported(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, goodLetters)
	export := p.invoke(t, "", "export").stdout
	p.invoke(t, "", "discard", "--because", "noise", "TOPIC.dlq/0/1", "--yes")
	p.anew(t, 2)
	got := p.invoke(t, export, "import", "-", "--yes", "-o", "json")
	kinds := map[string]int64{}
	for _, h := range reported(t, got).Left {
		kinds[h.Kind] = h.Letters
	}
	if got.code != exitNo || fmt.Sprint(kinds) != "map[gone:2 not_found:1]" || !strings.Contains(got.stdout, "it is gone: its topic has been made anew since the export") {
		t.Errorf("%+v", got)
	}
	if n := len(p.names(t, "pending")); n != 2 {
		t.Errorf("%d letters are pending", n)
	}
}

func TestAnExportOfAnOlderVersionIsImportedByName(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, goodLetters)
	export := edited(t, p.invoke(t, "", "export").stdout, func(_ int, l map[string]any) { delete(l, "topic_id") })
	if got := p.invoke(t, export, "import", "-", "--yes", "-o", "json"); got.code != exitDone || reported(t, got).Done != 3 {
		t.Errorf("%+v", got)
	}
}

func TestShowHasTheHistoryOfTheLetterThatIsThere(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, goodLetters)
	p.invoke(t, "", "discard", "--because", "of the former", "TOPIC.dlq/0/1", "TOPIC.dlq/0/2", "--yes")
	p.anew(t, 3)
	p.invoke(t, "", "replay", "TOPIC.dlq/0/1", "--yes")
	for name, want := range map[string]string{"TOPIC.dlq/0/1": "replayed", "TOPIC.dlq/0/2": "pending"} {
		got := p.invoke(t, "", "show", name, "-o", "json")
		var l struct {
			State   deadletter.State
			TopicID string `json:"topic_id"`
			History []struct {
				TopicID string `json:"topic_id"`
			}
		}
		if err := json.Unmarshal([]byte(got.stdout), &l); err != nil || string(l.State) != want || len(l.TopicID) != 22 ||
			len(l.History) != map[string]int{"replayed": 1}[want] || len(l.History) > 0 && l.History[0].TopicID != l.TopicID {
			t.Errorf("%+v: %v", got, err)
		}
		if got := p.invoke(t, "", "show", name); strings.Contains(got.stdout, "of the former") || !strings.HasPrefix(got.stdout, name+"  "+want+"\n") {
			t.Errorf("%+v", got)
		}
	}
}
