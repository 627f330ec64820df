package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// group is the pipeline's consumer group.
const group = "sandbox"

// configuration is the pipeline's, as a file: what the sandbox runs and what --config-out writes are the same. Waits
// are shorter than the defaults, so that a person sees what happens after a fault.
func configuration(o *options, brokers []string, msdkURL string) []byte {
	var b strings.Builder
	quoted := make([]string, len(brokers))
	for i, addr := range brokers {
		quoted[i] = strconv.Quote(addr)
	}
	fmt.Fprintf(&b, `# Written by the sandbox; good as long as it runs.
kafka:
  brokers: [%s]
  group: %s
  client_id: %s
msdk:
  base_url: %s
apps:
`, strings.Join(quoted, ", "), group, group, msdkURL)
	app := func(id, key, route string) {
		fmt.Fprintf(&b, "  - {appid: %s, appkey: %s, topics: [%q], route: %s}\n", id, key, o.Topic, route)
	}
	app(gameID, gameKey, "battle_report")
	if o.Apps > 1 {
		app(scoreID, scoreKey, "wxscore")
	}
	b.WriteString(`delivery:
  retry: {max: 5s}
  breaker: {cooldown: 2s}
http: {listen: 127.0.0.1:0}
`)
	return []byte(b.String())
}

// configure writes the configuration out if asked to, and reads it.
func configure(o *options, brokers []string, msdkURL string) (*config.Config, error) {
	text := configuration(o, brokers, msdkURL)
	cfg, err := config.Parse(text, ".", os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("configure the pipeline: %w", err)
	}
	if o.ConfigOut != "" {
		if err := os.WriteFile(o.ConfigOut, text, 0o644); err != nil {
			return nil, fmt.Errorf("write the configuration: %w", err)
		}
	}
	return cfg, nil
}
