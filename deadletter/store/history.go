package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// History returns what has been done about a letter that was read, or a twin of it,
// whose name it then has, oldest first. The topic of resolutions is compacted: of
// several only the last is sure to be there. It reads that topic from end to end.
func (s *Store) History(ctx context.Context, e deadletter.Entry) (history []deadletter.Resolution, err error) {
	resolutions, extents, err := s.reader.Extents(ctx, deadletter.ResolutionTopic(s.topic))
	if errors.Is(err, topic.ErrNoTopic) {
		return nil, nil
	}
	if err == nil {
		history, err = s.history(ctx, e, resolutions.Incarnation, extents)
	}
	if err != nil {
		return nil, fmt.Errorf("read what is done about letter %s: %w", e.Name, err)
	}
	return history, nil
}

func (s *Store) history(ctx context.Context, e deadletter.Entry, resolutions topic.Incarnation, extents []topic.Extent) (history []deadletter.Resolution, err error) {
	letters := topic.Incarnation{Topic: s.topic, ID: e.TopicID}
	for r, err := range s.reader.Records(ctx, resolutions, extents, topic.OldestFirst, nil) {
		if err != nil {
			return nil, err
		}
		name, err := deadletter.ParseName(string(r.Key))
		if err != nil || name.Topic != e.Name.Topic {
			continue
		}
		res, err := deadletter.ParseResolution(name, r.Value)
		twin := res.Identity().Known() && res.Identity() == e.Letter.Identity()
		switch {
		case err != nil || name != e.Name && !twin:
		case letters.IsOther(res.TopicID):
			history = nil // it is of a letter of another topic, and so is what came before it
		default:
			history = append(history, res)
		}
	}
	return history, nil
}
