package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTheLogAccountsForEveryLetter adds up what the log says, which mentions a kind of letters once a minute at most.
func TestTheLogAccountsForEveryLetter(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		p, stop := w.start()
		for i := range 50 {
			w.publish(fmt.Sprint("player-", i), "{}")
			time.Sleep(time.Second)
		}
		w.settled(p, 50, time.Minute)
		stop()
		total, lines := 0, regexp.MustCompile(`msg="records are dead-lettered" reason=schema_violation .*count=(\d+)`).FindAllStringSubmatch(w.log.text(), -1)
		for _, l := range lines {
			n, _ := strconv.Atoi(l[1])
			total += n
		}
		if total != 50 || len(lines) != 2 {
			w.t.Errorf("%d lines count %d letters of 50", len(lines), total)
		}
	})
}

func TestASchemaThatDoesNotCheckWhatItSaysIsMentionedOnceAtTheStart(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		misspelt := filepath.Join(w.t.TempDir(), "own.json")
		if err := os.WriteFile(misspelt, []byte(`{"requried":["baseinfo"]}`), 0o600); err != nil {
			w.t.Fatal(err)
		}
		w.addApp(otherApp, w.topic)
		w.cfg.Apps[0].Schema, w.cfg.Apps[1].Schema = misspelt, misspelt
		_, stop := w.start()
		stop()
		const line = `level=WARN msg="a keyword of the schema is not checked" appid=` + appID + ` file=.*own\.json keyword=/requried why="unknown keyword, nothing is checked" suggestion=required`
		if n := len(regexp.MustCompile(line).FindAllString(w.log.text(), -1)); n != 1 || strings.Count(w.log.text(), "of the schema") != 1 {
			w.t.Errorf("mentioned %d times", n)
		}
	})
}
