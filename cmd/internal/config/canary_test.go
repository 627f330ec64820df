package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// canary is a part of each secret here, and may be in no error.
const canary = "correct-horse"

// oddSecrets are texts that mean something to one of those that a secret passes through.
var oddSecrets = []string{
	canary, canary + "%s%d%!", canary + `"`, "'" + canary, "\\" + canary, `"\` + canary + `"`, `"` + canary, `'x'` + canary,
	`{"a":"` + canary + `"}`, "[" + canary + "]", canary + "}", canary + "]", canary + ": x", "- " + canary, canary + " # x", "? " + canary, "? [" + canary + "]",
	"&" + canary, "*" + canary, "!" + canary, "@" + canary, "`" + canary, "%" + canary, "|" + canary, ">" + canary, "!!int " + canary, "!!binary " + canary, "<<: *" + canary,
	canary + "," + canary, "x," + canary + ": y", "x, " + canary + ": {}", "x}, " + canary + ": {", "x], " + canary + ": [", "x}, {" + canary + ": ",
	"${" + canary + "}", "${" + canary, "${x:-" + canary + "}", canary + "${HOME}", "$" + canary, "$${" + canary,
	"\n  " + canary, "|\n  " + canary + "\n  ", canary + "\n", "\t" + canary, canary + "\t", canary + "\x00", canary + "\x1b[31m", "\ufeff" + canary, canary + "\xff", canary + "\u2028",
	canary + "\ue000", canary + "سر", "http://u:" + canary + "@h", "/" + canary + "?sig=" + canary,
}

func TestNoErrorOfAConfigurationShowsASecret(t *testing.T) {
	t.Parallel()
	for _, format := range []string{
		"apps:\n- appid: wx1\n  appkey: %s\n  topics: [a]\n",
		"apps: [{appid: wx1, appkey: %s, topics: [a]}]\n",
		"apps:\n- {appid: wx1, topics: [a], appkey: %s}\n",
		oneApp + "kafka: {sasl: {mechanism: scram-sha-256, username: u, password: %s}}\n",
		oneApp + "kafka:\n  sasl:\n    password: %s\n    mechanism: scram-sha-256\n",
		oneApp + "kafka: {sasl: {mechanism: none, pasword: %s}}\n",
		oneApp + "kafka: {password: %s, sasl: 1}\n",
		oneApp + "kafka: {sasl: {password: a, password: %s}}\n",
		"x-k: &k\n  appkey: %s\napps:\n- {<<: *k, appid: wx1, topics: [a]}\n- {<<: [*k, *k], appid: wx1, topics: [a]}\n",
	} {
		for _, secret := range oddSecrets {
			for _, text := range []string{secret, "'" + secret + "'", `"` + secret + `"`, "[" + secret + "]", "{" + secret + "}", "${V}", "a${V}b"} {
				yaml := fmt.Sprintf(format, text)
				if _, err := config.Parse([]byte(yaml), "", env(map[string]string{"V": secret})); err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("%s\n%v", yaml, err)
				}
			}
		}
	}
}
