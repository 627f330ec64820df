package config

import "time"

// A field describes one key, and is bound to the place in a Config where its value goes. It has a scalar, a list or a
// group of further fields.
type field struct {
	key      string
	doc      string // the comment in the example, the description in the JSON Schema
	required bool
	aside    bool    // for a few: the example names it in a comment, which a list that must not be empty wants, too
	example  string  // YAML for the example, for a field that has no default
	file     *scalar // for a secret: what KEY_file holds
	scalar   *scalar
	list     *list
	group    []field
}

// fields returns the description of every key, bound to c. Files are relative to dir.
func fields(c *Config, dir string) []field {
	return []field{
		{key: "kafka", doc: "Where records come from and dead letters go.", group: kafkaFields(&c.Kafka, dir)},
		{key: "msdk", doc: "The platform's interface.", group: msdkFields(&c.MSDK, dir)},
		{
			key:      "apps",
			doc:      "The games: where each one's records come from, and how they are checked, signed and posted. At least one.",
			required: true,
			list: listOf(&c.Apps, "apps", defaultApp(), func(app *App) field {
				return field{group: appFields(app, dir)}
			}),
		},
		{key: "batch", doc: "What is gathered into one call. Whichever bound is reached first closes a batch.", group: batchFields(&c.Batch)},
		{key: "delivery", doc: "How much is under way at once, and how long the pipeline tries.", group: deliveryFields(&c.Delivery)},
		{key: "deadletter", doc: "Where records go that cannot be delivered.", group: deadLetterFields(&c.DeadLetter)},
		{key: "http", doc: "Probes, metrics and profiles.", group: []field{
			{key: "listen", doc: "Address of /livez, /readyz, /metrics and /debug/pprof/. Port 0 takes any free one. Empty: no listener.", scalar: text(&c.HTTP.Listen, listenRule)},
		}},
		{key: "telemetry", doc: "The log. Metrics are on the page that http.listen serves.", group: []field{
			{key: "log_level", doc: "The least severe messages to log.", scalar: oneOf(&c.Telemetry.LogLevel, "debug", "info", "warn", "error")},
			{key: "log_format", doc: "How a line of the log looks.", scalar: oneOf(&c.Telemetry.LogFormat, "json", "text")},
		}},
	}
}

func kafkaFields(k *Kafka, dir string) []field {
	return []field{
		{key: "brokers", doc: "Brokers to ask for the cluster's layout; one that answers is enough. No two alike. They may be one text with commas between them, as a variable may hold it: ${KAFKA_BROKERS}.", list: separated(&k.Brokers, "brokers", brokerRule)},
		{key: "group", doc: "Consumer group. The members of one group share the partitions.", scalar: text(&k.Group, labelRule)},
		{key: "start", doc: "Where the group begins with a topic of which it has committed nothing yet. What is added later, partitions or topics, is taken from its first record.", scalar: oneOf(&k.Start, "earliest", "latest")},
		{key: "client_id", doc: "Name of this client in the brokers' logs and quotas.", scalar: text(&k.ClientID, labelRule)},
		{key: "session_timeout", doc: "A member that is silent for so long, since it has crashed, is given up: its partitions move. It is heard of ten times as often, and so hears of a planned change. The brokers' group.min.session.timeout.ms (6s unless it is set) and group.max.session.timeout.ms bound it.", scalar: duration(&k.SessionTimeout, time.Second, 30*time.Minute)},
		{key: "tls", doc: "Encryption of the connections to the brokers. Nothing else may be set here while enabled is false.", group: []field{
			{key: "enabled", doc: "Whether to use TLS.", scalar: boolean(&k.TLS.Enabled)},
			{key: "ca_file", doc: "PEM file of the authorities to trust. Empty: the system's.", scalar: file(&k.TLS.CAFile, dir)},
			{key: "cert_file", doc: "PEM file of the client's certificate. Goes with key_file.", scalar: file(&k.TLS.CertFile, dir)},
			{key: "key_file", doc: "PEM file of the certificate's private key. Goes with cert_file.", scalar: file(&k.TLS.KeyFile, dir)},
			{key: "server_name", doc: "Whom the brokers' certificates must name, where that is not the host they are reached by.", scalar: text(&k.TLS.ServerName, serverRule)},
			{key: "insecure_skip_verify", doc: "Accept any certificate of a broker. For experiments only.", scalar: boolean(&k.TLS.InsecureSkipVerify)},
		}},
		{key: "sasl", doc: "Authentication to the brokers. Any mechanism but none and oauthbearer needs username and password; these allow neither.", group: []field{
			{key: "mechanism", doc: "How to authenticate. plain sends the password as it is: use it over TLS.", scalar: oneOf(&k.SASL.Mechanism, "none", "plain", "scram-sha-256", "scram-sha-512", oauthBearer)},
			{key: "username", doc: "User to authenticate as.", scalar: text(&k.SASL.Username, credentialRule)},
			{key: "password", doc: "The user's password.", scalar: secret(&k.SASL.Password, credentialRule), file: secretFile(&k.SASL.Password, &k.SASL.PasswordFile, credentialRule, dir)},
			{key: "token_file", aside: true, doc: "File that holds the token of oauthbearer, for each connection the one that is in it then. What renews it must do so before the token ends.", scalar: tokenFile(&k.SASL.Token, &k.SASL.TokenFile, dir)},
			{key: "token_command", aside: true, doc: "Or the program that prints it, with its arguments, run for each connection, for 8s at most. There is no shell unless it is one: [gcloud, auth, print-access-token].", list: command(&k.SASL.TokenCommand, dir)},
			{key: "extensions", aside: true, doc: "What brokers want to be told beside the token of oauthbearer: [logicalCluster=lkc-1, identityPoolId=pool-1].", list: texts(&k.SASL.Extensions, "extensions", extensionRule)},
		}},
	}
}

func msdkFields(m *MSDK, dir string) []field {
	return []field{
		{key: "base_url", doc: "What the interface's paths are appended to. https://msdktest.qq.com is the platform's test environment.", scalar: baseURL(&m.BaseURL)},
		{key: "timeout", doc: "Time for one call. The platform itself allows a call 3100ms: a shorter timeout gives up on calls that would succeed.", scalar: duration(&m.Timeout, 100*time.Millisecond, 5*time.Minute)},
		{key: "content_type", doc: "Content-Type of a call. The body is JSON either way; the interface document's examples use the first.", scalar: oneOf(&m.ContentType, "application/x-www-form-urlencoded", "application/json")},
		{key: "ca_file", doc: "PEM file of authorities to trust beside the system's, such as that of a gateway. Only with an https base_url.", scalar: authorities(&m.CAFile, dir)},
	}
}

func appFields(a *App, dir string) []field {
	return []field{
		{key: "appid", doc: "The game's appid. No two apps may share one. A guest appid (G_...) is refused: guest mode may not report.", required: true, example: "wxcde873f99466f74a", scalar: text(&a.AppID, appIDRule)},
		{key: "appkey", doc: "The key that signs the calls.", required: true, example: "${MSDK_APPKEY}", scalar: secret(&a.AppKey, keyRule), file: secretFile(&a.AppKey, &a.AppKeyFile, keyRule, dir)},
		{key: "encode", doc: "What the key is: 1 the appkey, 2 the msdkkey of newer servers.", scalar: integer(&a.Encode, 1, 2)},
		{key: "topics", doc: "Topics of the game's records, none twice. Several apps may name the same topic: then a record's appid header picks the app, and a record without that header is dead-lettered as unknown_app.", required: true, example: "[battle-reports]", list: texts(&a.Topics, "topics", topicRule)},
		{key: "route", doc: "The interface to post to: battle_report, or wxscore for a game still on the old one.", scalar: oneOf(&a.Route, RouteBattleReport, RouteScore)},
		{key: "schema", doc: "What a record must look like: the interface document's English edition, its Japanese one, either, or the JSON Schema in a file.", scalar: schemaName(&a.Schema, dir)},
		{key: "score_expires", doc: "When a score expires, as Unix time in seconds; 0: never. Another than 0 only with route wxscore.", scalar: text(&a.ScoreExpires, unixTimeRule)},
	}
}

func batchFields(b *Batch) []field {
	return []field{
		{key: "max_records", doc: "Records in a batch.", scalar: integer(&b.MaxRecords, 1, 10_000)},
		{key: "max_bytes", doc: "Bytes of a call: of its records, and up to 1KiB beside them. At least 65KiB, since a record may have 64KiB.", scalar: size(&b.MaxBytes, 1<<10, 64<<20)},
		{key: "linger", doc: "How long a batch's first record waits for company.", scalar: duration(&b.Linger, 0, time.Minute)},
	}
}

func deliveryFields(d *Delivery) []field {
	return []field{
		{key: "max_in_flight", doc: "Batches posted at once, over all apps.", scalar: integer(&d.MaxInFlight, 1, 4096)},
		{key: "max_pending", doc: "Records taken from Kafka and not settled yet, over all partitions. At least batch.max_records. Fetching pauses here, or at max_pending_bytes.", scalar: integer(&d.MaxPending, 1, 10_000_000)},
		{key: "max_pending_bytes", doc: "Their bytes. At least batch.max_bytes. As many again may be fetched and unpacked: resident memory is about twice of it and 64MiB at most, unless GOMEMLIMIT says otherwise.", scalar: size(&d.MaxPendingBytes, 1<<10, 1<<40)},
		{key: "retry", doc: "Further attempts after a failure that may pass.", group: []field{
			{key: "initial", doc: "The first wait.", scalar: duration(&d.Retry.Initial, time.Millisecond, time.Minute)},
			{key: "max", doc: "The longest wait. At least initial.", scalar: duration(&d.Retry.Max, time.Millisecond, time.Hour)},
			{key: "multiplier", doc: "What each wait is longer than the last by.", scalar: number(&d.Retry.Multiplier, 1, 10)},
			{key: "jitter", doc: "How far a wait may randomly be off, as a part of it.", scalar: number(&d.Retry.Jitter, 0, 1)},
			{key: "max_elapsed", doc: "When to give a record up and dead-letter it. At least initial. There is no 0 for never: a record tried for ever would keep all after it in its partition from being committed.", scalar: duration(&d.Retry.MaxElapsed, time.Millisecond, 24*time.Hour)},
		}},
		{key: "breaker", doc: "An app whose calls fail alike is left alone for a while; other apps go on.", group: []field{
			{key: "failures", doc: "Failures in a row that open an app's breaker, or players refused one after the other. Of answers that say of themselves that they hold for everybody, such as a wrong signature, five will do, or one if nothing has succeeded for a minute.", scalar: integer(&d.Breaker.Failures, 1, 10_000)},
			{key: "cooldown", doc: "How long an open breaker waits, at most, before it lets one call try.", scalar: duration(&d.Breaker.Cooldown, 100*time.Millisecond, time.Hour)},
		}},
		{key: "max_hold", doc: "While an app's breaker is open its records wait, their retry clock stopped, this long at most. At least breaker.cooldown, or nothing would be tried again.", scalar: duration(&d.MaxHold, 100*time.Millisecond, 7*24*time.Hour)},
		{key: "max_age", doc: "Records older than this, by their timestamps, are dead-lettered unsent; those without one never are. 0: none are; otherwise at least 1s.", scalar: duration(&d.MaxAge, 0, 10*365*24*time.Hour)},
		{key: "drain_timeout", doc: "How long to finish what is in flight when stopping, or when partitions go to another member.", scalar: duration(&d.DrainTimeout, time.Second, 5*time.Minute)},
	}
}

func deadLetterFields(d *DeadLetter) []field {
	return []field{
		{key: "topic", doc: "Topic of dead letters: one for all, or with {topic} for one per source topic. Must not be a source topic, nor a replay topic. The same name with .resolutions appended is reserved and may not be another topic.", scalar: text(&d.Topic, topicTemplateRule)},
		{key: "replay_topic", doc: "Topic into which letters are replayed, likewise. The pipeline reads it beside the apps' topics; nobody else should.", scalar: text(&d.ReplayTopic, topicTemplateRule)},
	}
}
