package consumer

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
)

// begun collects what is to be said of partitions that begin.
type begun struct {
	anew, first, ignored []string
	why                  error // the first of the ignored is

	// Of topics that are taken once.
	after   []string     // those that go on where another group has come to
	alone   []*Partition // those of which no group has committed anything
	records int64        // that lie in these
	unasked error        // why other groups are not known
}

func (s *begun) ignore(p *Partition, why error) {
	s.ignored = append(s.ignored, p.String())
	s.why = cmp.Or(s.why, why)
}

func (s *begun) add(p *Partition, b begin, once bool) {
	if b.anew {
		s.anew = append(s.anew, p.String())
		s.ignored = slices.DeleteFunc(s.ignored, func(ignored string) bool { return ignored == p.String() })
	}
	switch {
	case b.group != "":
		s.after = append(s.after, fmt.Sprintf("%s@%d of %s", p, b.at, b.group))
	case b.at == atFirst && once:
		s.alone = append(s.alone, p)
	case b.at == atFirst && !b.anew:
		s.first = append(s.first, p.String())
	}
}

func (s *begun) log(log *slog.Logger) {
	if len(s.anew) > 0 {
		log.Warn("what is committed is of a topic that has been deleted and made anew: taking the new one from its first record", "partitions", some(s.anew))
	}
	if len(s.first) > 0 {
		log.Info("nothing is committed: taking the partitions from their first record", "partitions", some(s.first))
	}
	if len(s.ignored) > 0 {
		log.Warn("what was committed beside the offset is ignored: records that were settled beyond it are taken again", "partitions", some(s.ignored), "error", s.why)
	}
	if len(s.after) > 0 {
		log.Info("nothing is committed, but by another group: going on where it has come to, what it has settled is not taken again", "partitions", some(s.after))
	}
	s.logAlone(log)
}

// logAlone says what may be taken a second time.
func (s *begun) logAlone(log *slog.Logger) {
	var names []string
	for _, p := range s.alone {
		names = append(names, p.String())
	}
	switch {
	case len(names) == 0:
	case s.unasked != nil:
		log.Warn("nothing is committed, and what other groups have is not known: taking the partitions from their first record, which others may have taken",
			"partitions", some(names), "records", s.records, "error", s.unasked)
	case s.records > 0:
		log.Warn("nothing is committed, by no group that this client may describe: taking the partitions from their first record, which a group may have taken whose offsets have expired",
			"partitions", some(names), "records", s.records)
	default:
		log.Info("nothing is committed, by no group that this client may describe: taking the partitions from their first record", "partitions", some(names))
	}
}

// some shortens a list for the log.
func some(list []string) []string {
	const most = 16
	slices.Sort(list)
	if n := len(list); n > most {
		return append(list[:most:most], fmt.Sprintf("and %d more", n-most))
	}
	return list
}
