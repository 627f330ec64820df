package deadletter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/schema"
)

// entryJSON is an entry in JSON. Bytes that are UTF-8 are text, others are
// base64 in the field with that name; null is Kafka's null.
type entryJSON struct {
	Name    string `json:"name"`
	TopicID string `json:"topic_id,omitempty"`
	State   State  `json:"state"`
	Written stamp  `json:"written,omitzero"`
	Foreign string `json:"foreign,omitempty"`

	*letterJSON // nil if foreign

	*contentJSON // nil where only the letter is asked for
}

type letterJSON struct {
	Reason     Reason      `json:"reason"`
	Detail     string      `json:"detail"`
	Violations []Violation `json:"violations,omitzero"`
	Ret        *int        `json:"ret,omitempty"`
	HTTPStatus int         `json:"http_status,omitempty"`
	Attempts   int         `json:"attempts"`
	Delivery   Delivery    `json:"delivery"`
	AppID      string      `json:"appid,omitempty"`
	Route      string      `json:"route,omitempty"`
	Source     *sourceJSON `json:"source"`
	Time       stamp       `json:"time,omitzero"`
	Replays    int         `json:"replays"`
	Previous   string      `json:"previous,omitempty"`
	Omitted    []string    `json:"omitted,omitempty"`
}

type sourceJSON struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp stamp  `json:"timestamp,omitzero"`
}

func newSourceJSON(s Source) *sourceJSON {
	return &sourceJSON{s.Topic, s.Partition, s.Offset, stamp{readable(s.Time)}}
}

func (j *sourceJSON) source() Source {
	return Source{j.Topic, j.Partition, j.Offset, j.Timestamp.Time}
}

type contentJSON struct {
	Key         json.RawMessage `json:"key,omitempty"`
	KeyBase64   *string         `json:"key_base64,omitempty"`
	Headers     []headerJSON    `json:"headers"`
	Value       json.RawMessage `json:"value,omitempty"`
	ValueBase64 *string         `json:"value_base64,omitempty"`
}

type headerJSON struct {
	Key         string          `json:"key"`
	Value       json.RawMessage `json:"value,omitempty"`
	ValueBase64 *string         `json:"value_base64,omitempty"`
}

// MarshalJSON writes the entry as the commands show and export it:
//
//	{"name": "battle-reports.dlq/0/7", "topic_id": …, "state": "pending", "written": TIME,
//	 "reason": …, "detail": …, "violations": […], "ret": …, "http_status": …,
//	 "attempts": …, "delivery": …, "appid": …, "route": …,
//	 "source": {"topic": …, "partition": …, "offset": …, "timestamp": TIME},
//	 "time": TIME, "replays": …, "previous": NAME, "omitted": ["value"],
//	 "key": "o1", "headers": [{"key": …, "value": …}], "value": "{…}"}
//
// What is not known is left out. Values are text, byte for byte; one that is not
// UTF-8 is in value_base64 (key_base64) instead. A record that is no letter has
// "foreign", which says why, and nothing from reason to omitted.
// [Entry.UnmarshalJSON] reads it back exactly.
func (e Entry) MarshalJSON() ([]byte, error) {
	j := e.json()
	j.contentJSON = &contentJSON{Headers: make([]headerJSON, len(e.Letter.Headers))}
	j.Key, j.KeyBase64 = bytesJSON(e.Letter.Key)
	j.Value, j.ValueBase64 = bytesJSON(e.Letter.Value)
	for i, h := range e.Letter.Headers {
		j.Headers[i].Key = h.Key
		j.Headers[i].Value, j.Headers[i].ValueBase64 = bytesJSON(h.Value)
	}
	return plainJSON(j)
}

// json is the entry without key, headers and value.
func (e *Entry) json() entryJSON {
	j := entryJSON{Name: e.Name.String(), TopicID: e.TopicID, State: e.State, Written: stamp{readable(e.Written)}, Foreign: e.Foreign}
	if e.Foreign != "" {
		return j
	}
	l := &e.Letter
	j.letterJSON = &letterJSON{
		Reason: l.Reason, Detail: l.Detail, Violations: l.Violations, Ret: l.Ret, HTTPStatus: l.HTTPStatus,
		Attempts: l.Attempts, Delivery: l.Delivery, AppID: l.AppID, Route: l.Route,
		Source: newSourceJSON(l.Source),
		Time:   stamp{readable(l.Time)}, Replays: l.Replays,
	}
	if l.Previous != (Name{}) {
		j.Previous = l.Previous.String()
	}
	for _, part := range e.Letter.Omitted.parts() {
		if *part.omitted {
			j.Omitted = append(j.Omitted, part.name)
		}
	}
	return j
}

// plainJSON is JSON that keeps <, > and &.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// bytesJSON returns bytes as text or null, or else as base64.
func bytesJSON(b []byte) (text json.RawMessage, coded *string) {
	if !utf8.Valid(b) {
		s := base64.StdEncoding.EncodeToString(b)
		return nil, &s
	}
	if b == nil {
		return json.RawMessage("null"), nil
	}
	text, _ = plainJSON(string(b)) // a string: cannot fail
	return text, nil
}

// maxEntryDepth is the nesting allowed in an entry in JSON, which has four levels.
const maxEntryDepth = 16

// UnmarshalJSON reads what [Entry.MarshalJSON] writes, after a person has edited
// it. It takes nothing for granted: a field that it does not know, that is
// missing or of another type is an error that names it. So is what
// [schema.Strict] refuses, and says where: encoding/json by itself would take
// the last of two values, and U+FFFD for half of a surrogate pair.
func (e *Entry) UnmarshalJSON(text []byte) error {
	j := entryJSON{letterJSON: &letterJSON{}, contentJSON: &contentJSON{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return fmt.Errorf("read a letter: %w", err)
	}
	read, err := j.entry()
	if err == nil {
		err = schema.Strict(text, maxEntryDepth)
	}
	if err != nil {
		return fmt.Errorf("read letter %.300q: %w", j.Name, err)
	}
	*e = read
	return nil
}

func (j *entryJSON) entry() (e Entry, err error) {
	if e.Name, err = ParseName(j.Name); err != nil {
		return e, err
	}
	if !slices.Contains([]State{Pending, Replayed, Discarded}, j.State) {
		return e, fmt.Errorf("state is %.100q: want pending, replayed or discarded", j.State)
	}
	e.TopicID, e.State, e.Written, e.Foreign = j.TopicID, j.State, j.Written.Time, j.Foreign
	if e.Foreign == "" {
		if err := j.letter(&e); err != nil {
			return e, err
		}
	}
	if e.Letter.Key, err = jsonBytes("key", j.Key, j.KeyBase64); err != nil {
		return e, err
	}
	if e.Letter.Value, err = jsonBytes("value", j.Value, j.ValueBase64); err != nil {
		return e, err
	}
	for _, h := range j.Headers {
		value, err := jsonBytes("value", h.Value, h.ValueBase64)
		if err != nil {
			return e, fmt.Errorf("header %.100q: %w", h.Key, err)
		}
		e.Letter.Headers = append(e.Letter.Headers, consumer.Header{Key: h.Key, Value: value})
	}
	return e, nil
}

// letter reads what the letter's headers said.
func (j *entryJSON) letter(e *Entry) (err error) {
	switch {
	case !slices.Contains(Reasons(), j.Reason):
		return fmt.Errorf("reason is %.100q: want one of %q", j.Reason, Reasons())
	case j.Delivery != None && j.Delivery != Uncertain:
		return fmt.Errorf("delivery is %.100q: want none or uncertain", j.Delivery)
	case j.Source == nil || j.Source.Topic == "":
		return errors.New("source is missing")
	case j.Source.Partition < 0 || j.Source.Offset < 0 || j.Replays < 0 || j.Attempts < 0:
		return errors.New("source.partition, source.offset, attempts or replays is below 0")
	}
	e.Letter = Letter{
		Reason: j.Reason, Detail: j.Detail, Violations: j.Violations, Ret: j.Ret, HTTPStatus: j.HTTPStatus,
		Attempts: j.Attempts, Delivery: j.Delivery, AppID: j.AppID, Route: j.Route,
		Source: j.Source.source(),
		Time:   j.Time.Time, Replays: j.Replays,
	}
	if j.Previous != "" {
		if e.Letter.Previous, err = ParseName(j.Previous); err != nil {
			return fmt.Errorf("previous: %w", err)
		}
	}
	for _, name := range j.Omitted {
		i := slices.IndexFunc(e.Letter.Omitted.parts(), func(p part) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("omitted has %.100q: want value, key or headers", name)
		}
		*e.Letter.Omitted.parts()[i].omitted = true
	}
	return nil
}

func jsonBytes(name string, text json.RawMessage, coded *string) ([]byte, error) {
	switch {
	case text != nil && coded != nil:
		return nil, fmt.Errorf("%s and %s_base64 are both there: want one", name, name)
	case coded != nil:
		b, err := base64.StdEncoding.DecodeString(*coded)
		if err != nil {
			return nil, fmt.Errorf("%s_base64: %w", name, err)
		}
		return b, nil
	case text == nil:
		return nil, fmt.Errorf("%s is missing: want %s or %s_base64", name, name, name)
	case string(text) == "null":
		return nil, nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s is not a string", name)
	}
	return []byte(s), nil
}
