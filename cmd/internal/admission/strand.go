package admission

import (
	"slices"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// Strand is the number of the app that a record in the feed's topic says it is of: what is deferred together. It follows
// from the record's bytes, whatever the configuration is: who goes on with the partition may have another. 0: it says
// none, or several.
func (f *Feed) Strand(headers []consumer.Header) uint64 {
	if len(headers) == 0 {
		return 0
	}
	var source, appid []byte
	ids := 0
	for i := range headers {
		switch h := &headers[i]; {
		case h.Key == HeaderAppID:
			appid = h.Value
			ids++
		case f.Replayed && h.Key == deadletter.HeaderSourceTopic:
			source = h.Value
		}
	}
	if ids > 1 || ids == 0 && !f.Replayed {
		return 0
	}
	return strandOf(source, appid)
}

// OfStrand is the app of a strand; nil: none that is configured any more.
func (f *Feed) OfStrand(strand uint64) *App { return f.strands[strand] }

// strandOf is the number of an app in a topic; source is the topic that its records were in before they were replayed.
func strandOf[T string | []byte](source, appid T) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, text := range [...]T{source, appid} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * prime
		}
		h *= prime // as if a zero followed
	}
	return max(h, 1)
}

// AppOfStrand is the appid of the app that a strand of a topic is of, by the configuration; empty: of none that is
// configured. It is for those who take no records, and need no schemas.
func AppOfStrand(cfg *config.Config, topic string, strand uint64) string {
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		for _, source := range app.Topics {
			switch strand {
			case strandOf("", app.AppID):
				if source == topic {
					return app.AppID
				}
			case strandOf(source, app.AppID):
				if cfg.DeadLetter.ReplayTopicFor(source) == topic {
					return app.AppID
				}
			case strandOf(source, ""):
				if cfg.DeadLetter.ReplayTopicFor(source) == topic && servesOne(cfg, source) {
					return app.AppID
				}
			}
		}
	}
	return ""
}

// servesOne tells that a topic is of one app alone, whose records need not say so.
func servesOne(cfg *config.Config, topic string) bool {
	n := 0
	for i := range cfg.Apps {
		if slices.Contains(cfg.Apps[i].Topics, topic) {
			n++
		}
	}
	return n == 1
}
