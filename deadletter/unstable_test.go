package deadletter_test

import (
	"testing"

	"github.com/battlereport/battlereport/deadletter/topic"
)

// Letters come while it is asked where the log ends.
func TestWhatIsWrittenMeanwhileIsNotBehindAnOpenTransaction(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		d := newDesk(w)
		d.write(letters(3, 10)...)
		client, err := topic.NewClient(connection(d.Broker))
		if err != nil {
			w.t.Fatal(err)
		}
		defer client.Close()
		reader := topic.NewReader(client)
		layout, extents, err := reader.Extents(w.t.Context(), d.topic)
		if err != nil {
			w.t.Fatal(err)
		}
		d.write(letters(5, 10)...)
		if n, err := reader.Unstable(w.t.Context(), layout, extents); n != 0 || err != nil {
			w.t.Errorf("%d offsets are said to be not stable, %v", n, err)
		}
	})
}
