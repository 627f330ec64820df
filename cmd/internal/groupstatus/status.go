package groupstatus

import "time"

// A Status is how a group does, as commands show it. Its JSON is documented in the help of status, and stays as it is.
type Status struct {
	Time       time.Time         `json:"time"`
	Window     float64           `json:"window_seconds"` // that was looked at; 0: one snapshot, so that rates are not known
	State      State             `json:"state"`
	Wrong      bool              `json:"wrong"`
	Verdict    string            `json:"verdict"`          // one sentence: what is wrong now
	Advice     string            `json:"advice,omitempty"` // and what to do
	Total      Figures           `json:"total"`
	Group      GroupStatus       `json:"group"`
	Members    []MemberStatus    `json:"members"`
	Topics     []TopicStatus     `json:"topics"`
	Partitions []PartitionStatus `json:"partitions"` // the worst first
}

// Figures are of a partition, or of several. What is not known is nil.
type Figures struct {
	Lag     *int64   `json:"lag"`               // offsets between the position and the end
	Waiting *int64   `json:"waiting"`           // records that are not settled
	Age     *float64 `json:"age_seconds"`       // of the oldest of these
	In      *float64 `json:"in_per_second"`     // records that come
	Out     *float64 `json:"out_per_second"`    // records that are settled
	CatchUp *float64 `json:"catch_up_seconds"`  // until nothing is late, if it goes on like that; of several the last
	Deleted int64    `json:"deleted,omitempty"` // by retention, before they were settled, at most
}

// GroupStatus is the consumer group.
type GroupStatus struct {
	Name        string `json:"name"`
	State       string `json:"state"`
	Type        string `json:"type,omitempty"`
	Assignor    string `json:"assignor,omitempty"`
	Coordinator *int32 `json:"coordinator"`
}

// MemberStatus is a member of the group.
type MemberStatus struct {
	ID         string `json:"id"`
	ClientID   string `json:"client_id"`
	Host       string `json:"host"`
	InstanceID string `json:"instance_id,omitempty"`
	Partitions *int   `json:"partitions"`                 // nil: its assignment cannot be read
	Others     int    `json:"other_partitions,omitempty"` // of topics that are not the configuration's
}

// TopicStatus is a topic that the group reads.
type TopicStatus struct {
	Name       string `json:"name"`
	Replayed   bool   `json:"replay"`
	Missing    bool   `json:"missing,omitempty"`
	Unread     bool   `json:"unreadable,omitempty"` // this client may not read it
	Partitions int    `json:"partitions"`
	State      State  `json:"state"`
	Figures
}

// PartitionStatus is how one partition does.
type PartitionStatus struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	State     State  `json:"state"`
	Committed *int64 `json:"committed"` // nil: nothing
	Start     *int64 `json:"start"`     // nil, as is end: no broker leads it
	End       *int64 `json:"end"`
	Figures
	Beyond   int64           `json:"settled_beyond,omitempty"` // of the lag, what is settled all the same
	Oldest   *time.Time      `json:"oldest"`                   // timestamp of the record that waits longest
	Unstable int64           `json:"unstable,omitempty"`       // offsets behind the begin of an open transaction
	Anew     bool            `json:"made_anew,omitempty"`      // what is committed is of a topic that was deleted
	Deferred []DeferredApp   `json:"deferred,omitempty"`
	Member   *MemberIdentity `json:"member"`
}

// DeferredApp is an app whose records are passed, to be taken later, since it is held or slow.
type DeferredApp struct {
	AppID   string     `json:"appid"` // empty: none that is configured
	Records int64      `json:"records"`
	Oldest  *time.Time `json:"oldest"`
}

// MemberIdentity names the member that has a partition.
type MemberIdentity struct {
	ID       string `json:"id"`
	ClientID string `json:"client_id"`
	Host     string `json:"host"`
}
