package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "pem", "pem")
	write(t, dir, "ca.pem", certificate(t))
	long := strings.Repeat("x", 245)
	vars := env(map[string]string{"EMPTY": "", "WORD": "many", "N": "7"})

	// app is an app with one more key.
	app := func(key string) string { return "apps: [{appid: wx1, appkey: k, topics: [a], " + key + "}]" }

	tests := map[string]struct {
		yaml string
		want string // the faults; $DIR stands for dir
	}{
		"an empty file has no apps":                             {"", "line 1: apps: missing: want a list of apps, at least one"},
		"so has a file of comments":                             {"# nothing\n", "line 1: apps: missing: want a list of apps, at least one"},
		"a document is a mapping":                               {"- a\n", "line 1: (document): a list: want a mapping with the keys kafka, msdk, apps, batch, delivery, deadletter, http, telemetry"},
		"one document is enough":                                {oneApp + "---\n" + oneApp, "line 2: (document): a second document: want one only"},
		"a slip in a key gets a suggestion":                     {app("rout: x"), "line 1: apps[0].rout: unknown key: want route"},
		"case and underscores are slips":                        {app("appKey_File: x"), "line 1: apps[0].appKey_File: unknown key: want appkey_file"},
		"swapped letters are slips":                             {"htpt: {}\n" + oneApp, "line 1: htpt: unknown key: want http"},
		"a key like no other gets the choice":                   {"http: {zzz: 1}\n" + oneApp, "line 1: http.zzz: unknown key: want one of listen"},
		"a key of many letters is cut":                          {"? " + strings.Repeat("z", 100) + "\n: 1\n" + oneApp, `line 1: "` + strings.Repeat("z", 64) + `"…: unknown key: want one of kafka, msdk, apps, batch, delivery, deadletter, http, telemetry`},
		"one of the user's own is, too":                         {"x-a: 1\nx-a: 2\n" + oneApp, "line 2: x-a: given twice: want one; the first is on line 1"},
		"an escape is what it says":                             {`kafka: {group: "a\ue000b", client_id: "${N}"}` + "\n" + oneApp, `line 1: kafka.group: "a\ue000b": want 1 to 249 printable ASCII characters without spaces`},
		"a key given twice is ambiguous":                        {"http: {listen: ''}\nhttp: {listen: ':1'}\n" + oneApp, "line 2: http: given twice: want one; the first is on line 1"},
		"a merged fault stands where it stands":                 {"x-b: &b\n  max_records: 0\n  max_record: 1\nbatch: {<<: *b}\n" + oneApp, "line 2: batch.max_records: 0: want an integer from 1 to 10000\nline 3: batch.max_record: unknown key: want max_records"},
		"what is merged is a mapping":                           {"x-b: &b [1]\napps:\n- {<<: *b, appid: wx1}\n- {<<: 5}\n- {<<: [{}, {}, ~]}", "line 1: apps[0].\"<<\": a single value: want a mapping to merge, as *name of one that is marked &name, or a list of such\nline 4: apps[1].\"<<\": a single value: want a mapping to merge, as *name of one that is marked &name, or a list of such\nline 5: apps[2].\"<<\": null: want a mapping to merge, as *name of one that is marked &name, or a list of such"},
		"what could not be merged may hold what else is wanted": {"kafka: {sasl: {<<: [], mechanism: plain}}\n" + oneApp, "line 1: kafka.sasl.\"<<\": an empty list: want a mapping to merge, as *name of one that is marked &name, or a list of such"},
		"one key merges":                                        {"x-b: &b {}\nbatch:\n  <<: *b\n  <<: *b\n" + oneApp, "line 4: batch.\"<<\": given twice: want one; the first is on line 3"},
		"<< in quotes is a key like others":                     {"http: {'<<': {}}\n" + oneApp, "line 1: http.\"<<\": unknown key: want one of listen"},
		"a key of the user's is at the top":                     {"x-a: 1\nhttp: {x-a: 1}\n" + oneApp, "line 2: http.x-a: unknown key: want one of listen"},
		"a merged key beside its file's":                        {"x-a: &a {appkey_file: pem, topics: [a]}\napps: [{<<: *a, appid: wx1, appkey: k}]", "line 1: apps[0].appkey_file: given beside appkey: want one of the two"},
		"a variable as a key is no key":                         {"kafka: {${N}: x}\n" + oneApp, `line 1: kafka."${N}": unknown key: want one of brokers, group, start, client_id, session_timeout, tls, sasl`},
		"a variable's name has no blanks":                       {"kafka: {client_id: ${ N }}\n" + oneApp, "line 1: kafka.client_id: \"${ N }\": want ${NAME} for a variable, or $${ for a literal ${"},
		"an integer has no underscores":                         {"batch: {max_records: 1_000}\n" + oneApp, `line 1: batch.max_records: 1_000: want an integer from 1 to 10000`},
		"an integer has no exponent":                            {"batch: {max_records: 1e3}\n" + oneApp, `line 1: batch.max_records: 1e3: want an integer from 1 to 10000`},
		"a date is no text":                                     {"kafka: {group: 2026-11-30}\n" + oneApp, `line 1: kafka.group: 2026-11-30: want 1 to 249 printable ASCII characters without spaces, in quotes`},
		"a size has no blank":                                   {"batch: {max_bytes: 64 MiB}\n" + oneApp, `line 1: batch.max_bytes: "64 MiB": want a size such as 4096, 512KiB or 1MB, from 1KiB to 64MiB`},
		"what a comma cuts off a secret is unseen":              {"kafka: {sasl: {mechanism: plain, username: u, password: s,hunter2, 3: 4}}\n" + oneApp, "line 1: kafka.sasl.[redacted]: unknown key: want one of mechanism, username, password, password_file, token_file, token_command, extensions; or quotes around the secret before it, if this is a part of that\nline 1: kafka.sasl.[redacted]: unknown key: want one of mechanism, username, password, password_file, token_file, token_command, extensions; or quotes around the secret before it, if this is a part of that"},
		"what a brace cuts off is too":                          {"kafka: {sasl: {mechanism: plain, username: u, password: s}, hunter2: {}}\n" + oneApp, "line 1: kafka.[redacted]: unknown key: want one of brokers, group, start, client_id, session_timeout, tls, sasl; or quotes around the secret before it, if this is a part of that"},
		"a slip before it changes nothing":                      {"x: {passwd: s,hunter2: t}\nhttp: {pasword: s,hunter2: t}\n" + oneApp, "line 1: x: unknown key: want one of kafka, msdk, apps, batch, delivery, deadletter, http, telemetry\nline 2: http.[redacted]: unknown key: want one of listen; or quotes around the secret before it, if this is a part of that\nline 2: http.pasword: unknown key: want one of listen"},
		"null is no value":                                      {"kafka:\n  group:\n" + oneApp, "line 2: kafka.group: null: want 1 to 249 printable ASCII characters without spaces"},
		"null is no mapping":                                    {"http: ~\n" + oneApp, "line 1: http: null: want a mapping with the keys listen"},
		"null is no list":                                       {"apps:\n", "line 1: apps: null: want a list of apps, at least one"},
		"a list is no text":                                     {"kafka: {group: [a]}\n" + oneApp, "line 1: kafka.group: a list: want 1 to 249 printable ASCII characters without spaces"},
		"a text is no list":                                     {"apps: [{appid: wx1, appkey: k, topics: a}]", "line 1: apps[0].topics: a single value: want a list of topics, at least one, each a topic name of 1 to 249 letters, digits, dots, underscores and hyphens"},
		"a list must not be empty":                              {"kafka: {brokers: []}\n" + oneApp, "line 1: kafka.brokers: an empty list: want a list of brokers, at least one, each host:port with a port from 1 to 65535"},
		"a number in quotes is no number":                       {"batch: {max_records: '5'}\n" + oneApp, `line 1: batch.max_records: "5": want an integer from 1 to 10000, not in quotes`},
		"a number is no text":                                   {"kafka: {group: 5}\n" + oneApp, "line 1: kafka.group: 5: want 1 to 249 printable ASCII characters without spaces, in quotes"},
		"an integer has no fraction":                            {"batch: {max_records: 1.5}\n" + oneApp, `line 1: batch.max_records: "1.5": want an integer from 1 to 10000`},
		"an integer is decimal":                                 {"batch: {max_records: 010}\n" + oneApp, "line 1: batch.max_records: 010: want an integer from 1 to 10000"},
		"an integer has a range":                                {"batch: {max_records: 10001}\n" + oneApp, "line 1: batch.max_records: 10001: want an integer from 1 to 10000"},
		"an integer fits a machine's":                           {"batch: {max_records: 99999999999999999999}\n" + oneApp, "line 1: batch.max_records: 99999999999999999999: want an integer from 1 to 10000"},
		"not a number is no number":                             {"delivery: {retry: {jitter: .nan}}\n" + oneApp, `line 1: delivery.retry.jitter: ".nan": want a number from 0 to 1`},
		"yes is no boolean":                                     {"kafka: {tls: {enabled: yes}}\n" + oneApp, `line 1: kafka.tls.enabled: "yes": want false or true`},
		"a duration has a unit":                                 {"msdk: {timeout: 5}\n" + oneApp, "line 1: msdk.timeout: 5: want a duration such as 200ms, 5s or 1h30m, from 100ms to 5m"},
		"a duration has a range":                                {"msdk: {timeout: 99ms}\n" + oneApp, `line 1: msdk.timeout: "99ms": want a duration such as 200ms, 5s or 1h30m, from 100ms to 5m`},
		"a size has a known unit":                               {"batch: {max_bytes: 5kb}\n" + oneApp, `line 1: batch.max_bytes: "5kb": want a size such as 4096, 512KiB or 1MB, from 1KiB to 64MiB`},
		"a size has a range":                                    {"batch: {max_bytes: 1023}\n" + oneApp, "line 1: batch.max_bytes: 1023: want a size such as 4096, 512KiB or 1MB, from 1KiB to 64MiB"},
		"a size does not overflow into range":                   {"batch: {max_bytes: 18014398509481985KiB}\n" + oneApp, `line 1: batch.max_bytes: "18014398509481985KiB": want a size such as 4096, 512KiB or 1MB, from 1KiB to 64MiB`},
		"a choice has no other":                                 {app("route: wxsocre"), `line 1: apps[0].route: "wxsocre": want battle_report or wxscore`},
		"a variable must be set":                                {`apps: [{appid: wx1, appkey: "a${A_KEY}", topics: ["${T}"]}]`, "line 1: apps[0].appkey: ${A_KEY}: want the environment variable A_KEY to be set\nline 1: apps[0].topics[0]: ${T}: want the environment variable T to be set"},
		"a variable must fit":                                   {"batch:\n  max_records: ${WORD}\n" + oneApp, `line 2: batch.max_records: "many": want an integer from 1 to 10000`},
		"a reference must be whole":                             {`kafka: {group: "${A"}` + "\n" + oneApp, `line 1: kafka.group: "${A": want ${NAME} for a variable, or $${ for a literal ${`},
		"a variable may be a list of one":                       {`kafka: {brokers: "${N}"}` + "\n" + oneApp, `line 1: kafka.brokers[0]: "7": want host:port with a port from 1 to 65535`},
		"a broker has a port":                                   {"kafka: {brokers: [a, 'b:0', 'c:65536', ':1']}\n" + oneApp, lines("line 1: kafka.brokers[%d]: %s: want host:port with a port from 1 to 65535", `"a"`, `"b:0"`, `"c:65536"`, `":1"`)},
		"no broker stands twice":                                {"kafka: {brokers: ['a:1', 'a:1']}\n" + oneApp, `line 1: kafka.brokers[1]: "a:1": want another; kafka.brokers[0] is the same`},
		"a base URL has no query":                               {"msdk: {base_url: 'http://h/?a'}\n" + oneApp, `line 1: msdk.base_url: "http://h/?a": want an absolute http or https URL without user, query and fragment`},
		"a base URL is absolute":                                {"msdk: {base_url: /profile}\n" + oneApp, `line 1: msdk.base_url: "/profile": want an absolute http or https URL without user, query and fragment`},
		"a base URL's password is not shown":                    {"msdk: {base_url: 'http://u:hunter2@h'}\n" + oneApp, `line 1: msdk.base_url: "http://[redacted]@h": want an absolute http or https URL without user, query and fragment`},
		"a listener has a port":                                 {"http: {listen: localhost}\n" + oneApp, `line 1: http.listen: "localhost": want host:port or :port with a port from 0 to 65535, or an empty string`},
		"an app needs appid, key and topics":                    {"apps:\n- {}", "line 2: apps[0].appid: missing: want 1 to 64 letters, digits and underscores, not beginning with G_ (guest mode may not report)\nline 2: apps[0].appkey: missing: want appkey or appkey_file\nline 2: apps[0].topics: missing: want a list of topics, at least one, each a topic name of 1 to 249 letters, digits, dots, underscores and hyphens"},
		"an app is a mapping":                                   {"apps: [wx1]", "line 1: apps[0]: a single value: want a mapping with the keys appid, appkey, appkey_file, encode, topics, route, schema, score_expires"},
		"a guest may not report":                                {"apps: [{appid: G_wx1, appkey: k, topics: [a]}]", `line 1: apps[0].appid: "G_wx1": want 1 to 64 letters, digits and underscores, not beginning with G_ (guest mode may not report)`},
		"an appid stands once":                                  {"apps:\n- {appid: wx1, appkey: k, topics: [a]}\n- {appid: wx1, appkey: k, topics: [b]}", `line 3: apps[1].appid: "wx1": want an appid of its own; apps[0] has this one`},
		"a topic stands once in an app":                         {"apps: [{appid: wx1, appkey: k, topics: [a, b, a]}]", `line 1: apps[0].topics[2]: "a": want another; apps[0].topics[0] is the same`},
		"a topic's name is one Kafka allows":                    {"apps: [{appid: wx1, appkey: k, topics: [a b, ..]}]", lines("line 1: apps[0].topics[%d]: %s: want a topic name of 1 to 249 letters, digits, dots, underscores and hyphens", `"a b"`, `".."`)},
		"a secret is not empty":                                 {"apps: [{appid: wx1, appkey: '${EMPTY}', topics: [a]}]", "line 1: apps[0].appkey: [redacted] of ${EMPTY} is empty: want printable ASCII without white space at its ends"},
		"a secret's type is checked unseen":                     {"apps: [{appid: wx1, appkey: 31415926, topics: [a]}]", "line 1: apps[0].appkey: [redacted]: want printable ASCII without white space at its ends, in quotes"},
		"a list for a secret is not shown":                      {"apps: [{appid: wx1, appkey: [hunter2], topics: [a]}]", "line 1: apps[0].appkey: [redacted]: want printable ASCII without white space at its ends"},
		"a secret has one source":                               {app("appkey_file: pem"), "line 1: apps[0].appkey_file: given beside appkey: want one of the two"},
		"a secret's file can be read":                           {"apps: [{appid: wx1, appkey_file: none, topics: [a]}]", `line 1: apps[0].appkey_file: "none": want a file that can be read; "$DIR/none": no such file or directory`},
		"a secret's file is a regular one":                      {"apps: [{appid: wx1, appkey_file: /dev/zero, topics: [a]}]", `line 1: apps[0].appkey_file: "/dev/zero": want a file that can be read; "/dev/zero": not a regular file`},
		"a secret's file has a name":                            {"apps: [{appid: wx1, appkey_file: '', topics: [a]}]", `line 1: apps[0].appkey_file: "": want the path of a file that holds the secret`},
		"a schema is known":                                     {app("schema: builtin:zh"), `line 1: apps[0].schema: "builtin:zh": want builtin:en, builtin:ja or builtin:any, or the path of a file`},
		"a schema's file is there":                              {app("schema: ./zh.json"), `line 1: apps[0].schema: "./zh.json": want a file that can be read; "$DIR/zh.json": no such file or directory`},
		"an expiry is digits":                                   {app("score_expires: 1.5e9"), `line 1: apps[0].score_expires: "1.5e9": want Unix time in seconds, such as 1893456000, or "0" for never; no duration, no milliseconds, in quotes`},
		"an expiry is no duration":                              {app("score_expires: 3600"), `line 1: apps[0].score_expires: 3600: want Unix time in seconds, such as 1893456000, or "0" for never; no duration, no milliseconds`},
		"a battle report does not expire":                       {app("score_expires: 1767225600"), `line 1: apps[0].score_expires: 1767225600: want "0", as apps[0].route is battle_report`},
		"authorities are in a file":                             {"msdk: {ca_file: none}\n" + oneApp, `line 1: msdk.ca_file: "none": want a file that can be read; "$DIR/none": no such file or directory`},
		"their file is a regular one":                           {"msdk: {ca_file: .}\n" + oneApp, `line 1: msdk.ca_file: ".": want a file that can be read; "$DIR": not a regular file`},
		"their file holds certificates":                         {"msdk: {ca_file: pem}\n" + oneApp, `line 1: msdk.ca_file: "pem": want the path of a PEM file with at least one certificate in it`},
		"without TLS there are no authorities":                  {"msdk: {base_url: 'http://h', ca_file: ca.pem}\n" + oneApp, `line 1: msdk.ca_file: "ca.pem": want nothing, as msdk.base_url is not https`},
		"a server's name has no port":                           {"kafka: {tls: {enabled: true, server_name: 'h:1'}}\n" + oneApp, `line 1: kafka.tls.server_name: "h:1": want a host name or an IP address, without a port, or an empty string`},
		"it needs TLS":                                          {"kafka: {tls: {server_name: h}}\n" + oneApp, `line 1: kafka.tls.server_name: "h": want nothing, as kafka.tls.enabled is false`},
		"nor is any address's user":                             {"msdk: {base_url: 'http://u:hunter2/@x@h'}\nkafka: {brokers: ['u:hunter2@h:1']}\nhttp: {listen: 'http:u:hunter2@h'}\n" + oneApp, "line 1: msdk.base_url: \"http://[redacted]@h\": want an absolute http or https URL without user, query and fragment\nline 2: kafka.brokers[0]: \"[redacted]@h:1\": want host:port with a port from 1 to 65535\nline 3: http.listen: \"[redacted]@h\": want host:port or :port with a port from 0 to 65535, or an empty string"},
		"a TLS setting needs TLS":                               {"kafka: {tls: {ca_file: pem, cert_file: pem, key_file: pem, insecure_skip_verify: true}}\n" + oneApp, "line 1: kafka.tls.ca_file: \"pem\": want nothing, as kafka.tls.enabled is false\nline 1: kafka.tls.cert_file: \"pem\": want nothing, as kafka.tls.enabled is false\nline 1: kafka.tls.insecure_skip_verify: true: want false, as kafka.tls.enabled is\nline 1: kafka.tls.key_file: \"pem\": want nothing, as kafka.tls.enabled is false"},
		"a certificate needs its key":                           {"kafka:\n  tls:\n    enabled: true\n    cert_file: pem\n" + oneApp, "line 4: kafka.tls.key_file: missing: want the key of kafka.tls.cert_file"},
		"a key needs its certificate":                           {"kafka: {tls: {enabled: true, key_file: pem}}\n" + oneApp, "line 1: kafka.tls.cert_file: missing: want the certificate of kafka.tls.key_file"},
		"a TLS file is there":                                   {"kafka: {tls: {enabled: true, ca_file: none}}\n" + oneApp, `line 1: kafka.tls.ca_file: "none": want a file that can be read; "$DIR/none": no such file or directory`},
		"a mechanism needs user and password":                   {"kafka: {sasl: {mechanism: plain}}\n" + oneApp, "line 1: kafka.sasl.password: missing: want one, as kafka.sasl.mechanism is plain\nline 1: kafka.sasl.username: missing: want one, as kafka.sasl.mechanism is plain"},
		"no mechanism, no user and password":                    {"kafka: {sasl: {username: u, password: hunter2}}\n" + oneApp, "line 1: kafka.sasl.password: [redacted]: want nothing, as kafka.sasl.mechanism is none\nline 1: kafka.sasl.username: \"u\": want nothing, as kafka.sasl.mechanism is none"},
		"a batch fits what may be pending":                      {"batch: {max_records: 101}\ndelivery:\n  max_pending: 100\n" + oneApp, "line 3: delivery.max_pending: 100: want at least batch.max_records, 101"},
		"a batch fits the largest record":                       {"batch: {max_bytes: 1KiB}\n" + oneApp, `line 1: batch.max_bytes: "1KiB": want at least 65KiB: a record may have 64KiB, and a call 1KiB beside its records`},
		"it fits not just nearly":                               {"batch: {max_bytes: 66559}\n" + oneApp, "line 1: batch.max_bytes: 66559: want at least 65KiB: a record may have 64KiB, and a call 1KiB beside its records"},
		"a session has a range":                                 {"kafka: {session_timeout: 500ms}\n" + oneApp, `line 1: kafka.session_timeout: "500ms": want a duration such as 200ms, 5s or 1h30m, from 1s to 30m`},
		"its bytes fit too":                                     {"delivery: {max_pending_bytes: 2KiB}\n" + oneApp, `line 1: delivery.max_pending_bytes: "2KiB": want at least batch.max_bytes, 512KiB`},
		"a default that does not fit is named":                  {"delivery:\n  retry:\n    initial: 45s\n" + oneApp, `line 3: delivery.retry.max: 30s (the default): want at least delivery.retry.initial, "45s"`},
		"retries begin before they end":                         {"delivery: {retry: {initial: 3s, max_elapsed: 2s}}\n" + oneApp, `line 1: delivery.retry.max_elapsed: "2s": want at least delivery.retry.initial, "3s"`},
		"retries end":                                           {"delivery: {retry: {max_elapsed: 0}}\n" + oneApp, "line 1: delivery.retry.max_elapsed: 0: want a duration such as 200ms, 5s or 1h30m, from 1ms to 24h"},
		"a hold outlasts the cooldown":                          {"delivery: {max_hold: 5s}\n" + oneApp, `line 1: delivery.max_hold: "5s": want at least delivery.breaker.cooldown, 10s`},
		"an age is not a moment":                                {"delivery: {max_age: 5ms}\n" + oneApp, `line 1: delivery.max_age: "5ms": want 0 for never, or at least 1s`},
		"a letter does not go to its source":                    {"deadletter: {topic: '{topic}'}\n" + oneApp, `line 1: deadletter.topic: "{topic}": want another: for topic "a" it leads to the dead-letter topic "a", which is a topic of an app`},
		"nor to another app's source":                           {"apps: [{appid: wx1, appkey: k, topics: [a, a.dlq]}]", `line 1: deadletter.topic: "{topic}.dlq" (the default): want another: for topic "a" it leads to the dead-letter topic "a.dlq", which is a topic of an app`},
		"a replay does not go to its source":                    {"deadletter: {replay_topic: a}\n" + oneApp, `line 1: deadletter.replay_topic: "a": want another: for topic "a" it leads to the replay topic "a", which is a topic of an app`},
		"letters and replays lie apart":                         {"deadletter: {topic: x, replay_topic: x}\n" + oneApp, `line 1: deadletter.replay_topic: "x": want another: for topic "a" it leads to the replay topic "x", which is the dead-letter topic`},
		"resolutions and replays lie apart":                     {"deadletter: {topic: x, replay_topic: x.resolutions}\n" + oneApp, `line 1: deadletter.replay_topic: "x.resolutions": want another: for topic "a" it leads to the replay topic "x.resolutions", which is the topic of resolutions`},
		"a template has one variable":                           {"deadletter: {topic: '{app}.dlq'}\n" + oneApp, `line 1: deadletter.topic: "{app}.dlq": want a topic name, in which {topic} may stand for the source topic`},
		"a derived name is not too long":                        {"apps: [{appid: wx1, appkey: k, topics: [" + long + "]}]\ndeadletter: {topic: '{topic}x', replay_topic: r}", `line 2: deadletter.topic: "{topic}x": want less: for topic "` + long[:64] + `"… it leads to a name of 258 characters, and Kafka allows 249`},
		"all faults come at once, by line":                      {"telemetry: {log_level: loud}\nbatch:\n  linger: 2m\napps: []\nkafka: {start: begin}", "line 1: telemetry.log_level: \"loud\": want debug, info, warn or error\nline 3: batch.linger: \"2m\": want a duration such as 200ms, 5s or 1h30m, from 0 to 1m\nline 4: apps: an empty list: want a list of apps, at least one\nline 5: kafka.start: \"begin\": want earliest or latest"},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse([]byte(test.yaml), dir, vars)
			var faults config.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("no faults but %v", err)
			}
			if want := strings.ReplaceAll(test.want, "$DIR", dir); err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}

// lines formats a line for each value, with its index before it.
func lines(format string, values ...string) string {
	out := make([]string, len(values))
	for i := range out {
		out[i] = fmt.Sprintf(format, i, values[i])
	}
	return strings.Join(out, "\n")
}
