package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bench" { // the parts of a benchmark are processes of this program
		main()
	}
	goleak.VerifyTestMain(m)
}

func TestOutputForAPipe(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	file := filepath.Join(t.TempDir(), "sandbox.yaml")
	var stdout, stderr bytes.Buffer
	code := run([]string{"--rate", "0", "--count", "500", "--bad", "0.1", "--config-out", file}, nil, &stdout, &stderr, nil)
	out := stdout.String()
	if code != cli.ExitDone {
		t.Errorf("exit code %d\n%s\n%s", code, out, stderr.String())
	}
	if strings.ContainsAny(out, "\x1b\r") {
		t.Errorf("escape codes in a pipe: %q", out)
	}
	for _, want := range []string{
		`kcat -b 127\.0\.0\.1:\d+ -t battle-reports -C`,
		`curl -s http://127\.0\.0\.1:\d+/metrics`,
		`battlereport run -c .*sandbox\.yaml`,
		`(?m)^ +\d:\d\d  publishing: published `,
		`(?m)^published +500$`,
		`(?m)^  pending +0$`,
		`Every event is accounted for\.\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("nothing like %s in\n%s", want, out)
		}
	}
	commands := regexp.MustCompile(`(?m)^  battlereport (\w+)`).FindAllStringSubmatch(out, -1)
	for _, command := range commands {
		if !regexp.MustCompile(`\bUse: +"` + command[1] + `[ "]`).MatchString(commandSource(t)) {
			t.Errorf("there is no command such as%s", command[0])
		}
	}
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, cfg.Kafka.Brokers[0]) || !strings.Contains(out, cfg.MSDK.BaseURL) {
		t.Errorf("the configuration written leads to %s and %s", cfg.Kafka.Brokers, cfg.MSDK.BaseURL)
	}
}

// commandSource is the Go code in which the commands of battlereport are.
func commandSource(t *testing.T) string {
	t.Helper()
	var source strings.Builder
	for _, pattern := range []string{"../battlereport/*.go", "../internal/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	return source.String()
}

// onSight is an output that sends a signal for each of its patterns, once the one before has been seen.
type onSight struct {
	seen     bytes.Buffer
	patterns []*regexp.Regexp
	signals  chan os.Signal
}

func (w *onSight) Write(text []byte) (int, error) {
	if len(w.patterns) > 0 && w.patterns[0].Match(text) {
		w.patterns = w.patterns[1:]
		w.signals <- os.Interrupt
	}
	return w.seen.Write(text)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		args      string
		interrupt []string // when
		code      int
	}{
		"0 after one Ctrl-C, when all has settled":                 {"", []string{`published [1-9]`}, cli.ExitDone},
		"0 after two, when some is pending and nothing is amiss":   {"--fail 1", []string{`published [1-9]`, `settling`}, cli.ExitDone},
		"0 after one during the start":                             {"", []string{`^Kafka`}, cli.ExitDone},
		"1 when some is pending though there was time":             {"--fail 1 --count 10 --bad 0 --rate 0 --settle 100ms", nil, cli.ExitNo},
		"2 for a flag that there is not":                           {"--speed 9", nil, cli.ExitCannot},
		"2 for a flag that makes no sense":                         {"--bad 2", nil, cli.ExitCannot},
		"2 for an argument":                                        {"fast", nil, cli.ExitCannot},
		"2 when the log cannot be written":                         {"--log /", nil, cli.ExitCannot},
		"2 when a port is no port":                                 {"--http-port 70000", nil, cli.ExitCannot},
		"2 for another Kafka without saying to which of its topic": {"--brokers 127.0.0.1:1", nil, cli.ExitCannot},
		"0 for help": {"--help", nil, cli.ExitDone},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			stdout := &onSight{signals: make(chan os.Signal, len(test.interrupt))}
			for _, when := range test.interrupt {
				stdout.patterns = append(stdout.patterns, regexp.MustCompile(when))
			}
			var stderr bytes.Buffer
			if code := run(strings.Fields(test.args), nil, stdout, &stderr, stdout.signals); code != test.code {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, test.code, stdout.seen.String(), stderr.String())
			}
			if len(stdout.patterns) > 0 {
				t.Errorf("nothing like %s in\n%s", stdout.patterns[0], stdout.seen.String())
			}
			if stderr.Len() == 0 && test.code == cli.ExitCannot {
				t.Error("nothing on standard error")
			}
		})
	}
}

func TestAFlagsValueIsRefusedWithWhatIsWanted(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--rate fast":       `--rate "fast": want a number`,
		"--players many":    `--players "many": want a whole number`,
		"--count -1":        `--count "-1": want a whole number, 0 or more`,
		"--latency 50":      `--latency "50": want a duration such as 50ms`,
		"--outage 5s":       `--outage "5s": want TIME:LENGTH, such as 30s:5s, LENGTH being shorter`,
		"--verbose=loud":    `--verbose "loud": want true or false`,
		"--size 100000":     "--size 100000: want 1 to 60000, since events above 64 KiB are refused",
		"--speed 9":         "unknown flag: --speed; did you mean --seed?",
		"--apps":            "flag needs an argument: --apps",
		"fast":              `unexpected argument "fast"`,
		"--brokers 1.2.3.4": "--brokers needs --topic, the topic to publish generated events to",
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(args), nil, &stdout, &stderr, nil)
		if want = "sandbox: " + want + "\nSee 'sandbox --help'.\n"; code != cli.ExitCannot || stdout.Len() > 0 || stderr.String() != want {
			t.Errorf("%s: exit code %d, %s%s, want %s", args, code, stdout.String(), stderr.String(), want)
		}
	}
}

func TestABenchThatIsBrokenOffSaysSo(t *testing.T) {
	signals := make(chan os.Signal, 1)
	stderr := &onSight{patterns: []*regexp.Regexp{regexp.MustCompile("warming up")}, signals: signals}
	var stdout bytes.Buffer
	code := run([]string{"bench", "--events", "1000", "--rounds", "1000"}, nil, &stdout, stderr, signals)
	if said := stderr.seen.String(); code != cli.ExitCannot || stdout.Len() > 0 || !strings.HasSuffix(said, "sandbox: interrupted\n") {
		t.Errorf("exit code %d, %s\n%s", code, stdout.String(), said)
	}
}

func TestFlagsOfBenchThatMakeNoSenseAreNamed(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--events 0":                 "--events 0: want at least 1",
		"--partitions 0":             "--partitions 0: want at least 1",
		"--players 0":                "--players 0: want at least 1",
		"--batch 0":                  "--batch 0: want at least 1",
		"--in-flight 0":              "--in-flight 0: want at least 1",
		"--rounds 0":                 "--rounds 0: want at least 1",
		"--size 60001":               "--size 60001: want 1 to 60000",
		"--bad 1":                    "--bad 1: want a share",
		"--latency -1s":              "--latency: want 0 or more",
		"--compression best":         "--compression best: want one of gzip, lz4, none, snappy, zstd",
		"-o yaml":                    "--output yaml: want table or json",
		"--sweep colours":            "--sweep colours: want partitions, records, size, latency, bad or all",
		"--delay --sweep all":        "--delay and --sweep: want one of them",
		"--rate 0":                   "--rate 0: want more than 0",
		"--duration 0s":              "--duration: want more than 0",
		"--brokers h:1 --data /tmp":  "--data is about the embedded broker",
		"--events 1000000000000":     "MiB of memory in the embedded broker",
		"fast":                       `unexpected argument "fast"`,
		"--data /nowhere --events 1": "make a directory for the broker",
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"bench"}, strings.Fields(args)...), nil, &stdout, &stderr, nil)
		if code != cli.ExitCannot || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s%s, want %s", args, code, stdout.String(), stderr.String(), want)
		}
	}
}
