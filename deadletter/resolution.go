package deadletter

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Resolution is what has been done about a letter.
type Resolution struct {
	Name     Name      // of the letter
	TopicID  string    // of the letter's topic; empty: not known
	State    State     // Replayed or Discarded
	Time     time.Time // in milliseconds
	By       string    // who did it
	Run      string    // in which run
	Because  string    // of a discarded letter: why
	Topic    string    // of a replayed one: where it went
	Repaired bool      // of a replayed one: its value was changed

	// Of a letter, not of a foreign record, what it shares with its twins.
	Source  Source // Topic is empty where it is not known
	Replays int
}

// Identity is what the letter shares with its twins.
func (r *Resolution) Identity() Identity { return identityOf(r.Source, r.Replays) }

// resolutionValue is a resolution as it lies in the topic, under its letter's
// name as key. It is a contract with outsiders; fields may be added.
type resolutionValue struct {
	State       State  `json:"state"`
	Time        stamp  `json:"time"`
	By          string `json:"by"`
	Run         string `json:"run"`
	TopicID     string `json:"topic_id,omitempty"`
	Because     string `json:"because,omitempty"`
	ReplayTopic string `json:"replay_topic,omitempty"`
	Repaired    bool   `json:"repaired,omitempty"`

	Source  *sourceJSON `json:"source,omitempty"`
	Replays int         `json:"replays,omitempty"`
}

// stamp is a time in JSON: RFC 3339 in UTC with milliseconds.
type stamp struct{ time.Time }

// MarshalJSON writes it.
func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + timeText(s.Time) + `"`), nil
}

// UnmarshalJSON reads any time of RFC 3339.
func (s *stamp) UnmarshalJSON(text []byte) error {
	if err := s.Time.UnmarshalJSON(text); err != nil {
		return err
	}
	s.Time = readable(s.Time)
	return nil
}

// MarshalJSON writes the resolution as it lies in the topic, without the name,
// which is the key there.
func (r Resolution) MarshalJSON() ([]byte, error) {
	v := resolutionValue{
		State: r.State, Time: stamp{r.Time}, By: r.By, Run: r.Run, TopicID: r.TopicID,
		Because: r.Because, ReplayTopic: r.Topic, Repaired: r.Repaired, Replays: r.Replays,
	}
	if r.Source.Topic != "" {
		v.Source = newSourceJSON(r.Source)
	}
	return plainJSON(v)
}

// ParseResolution reads a resolution whole, as [Resolution.MarshalJSON] writes it.
func ParseResolution(name Name, value []byte) (Resolution, error) {
	var v resolutionValue
	if err := json.Unmarshal(value, &v); err != nil {
		return Resolution{}, fmt.Errorf("read the resolution of %s: %w", name, err)
	}
	if v.State != Replayed && v.State != Discarded {
		return Resolution{}, errors.New("read the resolution of " + name.String() + ": it has no state")
	}
	return v.resolution(name), nil
}

func (v *resolutionValue) resolution(name Name) Resolution {
	r := Resolution{
		Name: name, TopicID: v.TopicID, State: v.State, Time: v.Time.Time, By: v.By, Run: v.Run,
		Because: v.Because, Topic: v.ReplayTopic, Repaired: v.Repaired, Replays: v.Replays,
	}
	if v.Source != nil {
		r.Source = v.Source.source()
	}
	return r
}

// SkimResolution reads of a resolution what says how its letter stands, and the twins
// of that: TopicID, State, Source and Replays. What else is in it may be broken. Where
// one of the last two is, both are left out: it counts for its name alone then. ok is
// false of what is no resolution at all.
func SkimResolution(name Name, value []byte) (r Resolution, ok bool) {
	var v struct {
		State   State           `json:"state"`
		TopicID string          `json:"topic_id"`
		Source  json.RawMessage `json:"source"`
		Replays json.RawMessage `json:"replays"`
	}
	if json.Unmarshal(value, &v) != nil || v.State != Replayed && v.State != Discarded {
		return Resolution{}, false
	}
	r = Resolution{Name: name, TopicID: v.TopicID, State: v.State}
	var (
		source  sourceJSON
		replays int
		place   struct{ Partition, Offset *int64 }
	)
	if json.Unmarshal(v.Source, &source) != nil || json.Unmarshal(v.Source, &place) != nil || place.Partition == nil || place.Offset == nil ||
		v.Replays != nil && json.Unmarshal(v.Replays, &replays) != nil {
		return r, true
	}
	r.Source, r.Replays = source.source(), replays
	return r, true
}
