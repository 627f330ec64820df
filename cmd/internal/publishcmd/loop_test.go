package publishcmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spf13/cobra"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pace"
	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
)

// newPublication returns a publication of in that writes to written.
func newPublication(t interface{ Fatal(...any) }, in io.Reader, failFast bool, from int, written *[]string) (*publication, *bytes.Buffer) {
	app, err := admission.NewApp(config.App{Schema: "builtin:any"})
	if err != nil {
		t.Fatal(err)
	}
	stderr := new(bytes.Buffer)
	return &publication{
		name: "stdin", in: io.NopCloser(in), from: from, next: from, failFast: failFast,
		dest: destination{topic: "t", app: app},
		pace: pace.New(0, portionRecords), progress: cli.NewProgress(&cobra.Command{}), stderr: stderr,
		write: func(_ context.Context, records []record) error {
			for _, r := range records {
				*written = append(*written, string(r.Value))
			}
			return nil
		},
	}, stderr
}

// Whatever the lines: what is published is the good ones from the first to where it stopped, in order, and who goes on
// at the line named has in the end published each good one once.
func TestEveryGoodLineIsPublishedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom([]string{publishtest.Report("o1", 1), publishtest.Report("o2", 2), "", " ", "{<", "[]"}), 0, 40).Draw(t, "lines")
		ending := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "ending")
		failFast := rapid.Bool().Draw(t, "fail at a bad line")
		var want, got []string
		bad := 0
		for _, text := range kinds {
			switch {
			case text == "{<" || text == "[]":
				bad++
			case strings.TrimSpace(text) != "":
				want = append(want, text)
			}
		}
		told := 0
		for from := 1; ; {
			p, stderr := newPublication(t, strings.NewReader(strings.Join(kinds, ending)), failFast, from, &got)
			err := p.run(context.Background())
			told += strings.Count(stderr.String(), "\n")
			if err == nil {
				break
			}
			if !errors.Is(err, cli.ErrNo) || !failFast || p.next < from {
				t.Fatalf("from line %d to %d: %v", from, p.next, err)
			}
			from = p.next + 1 // a person has seen to the bad line
		}
		if !slices.Equal(got, want) || told != bad {
			t.Fatalf("published %q, want %q; told of %d bad lines, want %d", got, want, told, bad)
		}
	})
}

func TestWhatWasReadBeforeReadingFailedIsPublished(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var got []string
	p, _ := newPublication(t, io.MultiReader(strings.NewReader(publishtest.Report("o1", 1)+"\n{"), iotest.ErrReader(broken)), true, 1, &got)
	if err := p.run(t.Context()); !errors.Is(err, broken) || len(got) != 1 || p.next != 2 {
		t.Errorf("%q, next line %d, %v", got, p.next, err)
	}
}

func TestABrokerThatHangsUpIsNotTheEndOfTheInput(t *testing.T) {
	t.Parallel()
	p, _ := newPublication(t, strings.NewReader(publishtest.Report("o1", 1)), true, 1, new([]string))
	p.write = func(_ context.Context, records []record) error { return &unwrittenError{records[0].line, io.EOF} }
	if err := p.run(t.Context()); !errors.As(err, new(*unwrittenError)) || p.next != 1 {
		t.Errorf("next line %d, %v", p.next, err)
	}
}
