package preflight

import (
	"fmt"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/renewal"
	"github.com/battlereport/battlereport/schema"
)

// checkFiles looks at the files of certificates, authorities and secrets as run does while it runs, and at the end of our
// own certificate.
func checkFiles(cfg *config.Config, tell func(Finding)) {
	for _, file := range cfg.Files() {
		f := Finding{Check: "file", Subject: file.Path, State: OK, Found: "can be used, for " + file.Key}
		if err := file.Check(); err != nil {
			f.State, f.Found = Failed, fmt.Sprintf("cannot be used for %s: %v", file.Key, err)
		}
		tell(f)
	}
	first, err := cfg.Kafka.TLS.FirstToExpire()
	if err != nil || first == nil { // which is told of its files
		return
	}
	at := first.NotAfter.UTC().Format(time.RFC3339)
	f := Finding{Check: "file", Subject: cfg.Kafka.TLS.CertFile, State: OK, Found: "is good until " + at}
	switch renewal.StageOf(first, time.Now()) {
	case renewal.Far:
	case renewal.Expired:
		f.State, f.Found, f.Do = Failed, "has expired at "+at, "renew it"
	default:
		f.State, f.Found, f.Do = Warning, "expires at "+at, "renew it"
	}
	tell(f)
}

// checkSchemas compiles the schema of each app.
func checkSchemas(cfg *config.Config, tell func(Finding)) {
	seen := map[string]bool{}
	for i, app := range cfg.Apps {
		if seen[app.Schema] {
			continue
		}
		seen[app.Schema] = true
		s, err := schema.Load(app.Schema, schema.DefaultLimits())
		if err != nil {
			tell(Finding{"schema", app.Schema, Failed, err.Error(), fmt.Sprintf("mend it, or name another in apps[%d].schema", i)})
			continue
		}
		notes := s.Lint()
		for _, note := range notes {
			tell(Finding{"schema", app.Schema, Warning, fmt.Sprint(note), ""})
		}
		if len(notes) == 0 {
			tell(Finding{"schema", app.Schema, OK, "checks what it says", ""})
		}
	}
}
