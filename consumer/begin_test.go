package consumer

import (
	"reflect"
	"testing"
)

func TestAPartitionBegins(t *testing.T) {
	t.Parallel()
	var (
		another = topicID{15: 2}
		noID    = topicID{}
		noted   = func(topic topicID) note {
			return note{topic: topic, epoch: 3, unsettled: unsettled{[]int64{100, 104}, 107}}
		}
		at      = func(offset int64) committed { return committed{offset, "metadata"} }
		nothing = note{epoch: unknownEpoch}
		of      = func(topic topicID) note { return note{topic: topic, epoch: unknownEpoch} }
	)
	for rule, test := range map[string]struct {
		known known
		want  begin
	}{
		"at what is committed, beyond which some is settled": {
			known{topic: thisOne, committed: at(100), note: noted(thisOne), started: true},
			begin{at: 100, note: noted(thisOne), sure: true},
		},
		"at what is committed, wherever a new group would begin": {
			known{topic: thisOne, committed: at(100), note: noted(thisOne), started: true, latest: true, appeared: true},
			begin{at: 100, note: noted(thisOne), sure: true},
		},
		"at an offset that somebody else has committed, until it is confirmed": {
			known{topic: thisOne, committed: at(100), note: nothing, started: true},
			begin{at: 100, note: of(thisOne)},
		},
		"at an offset noted when brokers had no ids, likewise": {
			known{topic: thisOne, committed: at(100), note: noted(noID), started: true},
			begin{at: 100, note: noted(thisOne)},
		},
		"at what is committed where brokers have no ids": {
			known{topic: noID, committed: at(100), note: noted(noID), started: true},
			begin{at: 100, note: noted(noID), sure: true},
		},
		"at what is committed where brokers have lost them": {
			known{topic: noID, committed: at(100), note: noted(thisOne), started: true},
			begin{at: 100, note: noted(noID)},
		},
		"at the first record of a topic made anew": {
			known{topic: thisOne, committed: at(100), note: noted(another), started: true},
			begin{at: atFirst, note: of(thisOne), anew: true},
		},
		"at the first record of a topic made anew, with the latest too": {
			known{topic: thisOne, committed: at(100), note: noted(another), started: true, latest: true},
			begin{at: atFirst, note: of(thisOne), anew: true},
		},
		"at the first record, of a new group": {
			known{topic: thisOne, committed: at(-1), note: nothing},
			begin{at: atFirst, note: of(thisOne), sure: true},
		},
		"where the leader says, of a new group that wants the latest": {
			known{topic: thisOne, committed: at(-1), note: nothing, latest: true},
			begin{at: atPinned},
		},
		"at the first record, of a partition added later": {
			known{topic: thisOne, committed: at(-1), note: nothing, latest: true, started: true},
			begin{at: atFirst, note: of(thisOne), sure: true},
		},
		"at the first record, of a topic made while the group waits for it": {
			known{topic: thisOne, committed: at(-1), note: nothing, latest: true, appeared: true},
			begin{at: atFirst, note: of(thisOne), sure: true},
		},
		"at what this member has settled and could not commit": {
			known{topic: thisOne, committed: at(100), note: noted(thisOne), started: true, kept: &kept{at(100), 120, noted(thisOne)}},
			begin{at: 120, note: noted(thisOne), sure: true},
		},
		"at what this member has settled before anything was committed": {
			known{topic: thisOne, committed: at(-1), note: nothing, latest: true, kept: &kept{at(-1), 20, noted(thisOne)}},
			begin{at: 20, note: noted(thisOne), sure: true},
		},
		"at what is committed, if somebody has committed since": {
			known{topic: thisOne, committed: at(110), note: noted(thisOne), started: true, kept: &kept{at(100), 120, noted(thisOne)}},
			begin{at: 110, note: noted(thisOne), sure: true},
		},
		"at what is committed, if somebody has settled more since, beyond the same offset": {
			known{topic: thisOne, committed: at(100), note: noted(thisOne), started: true, kept: &kept{committed{100, "former"}, 100, of(thisOne)}},
			begin{at: 100, note: noted(thisOne), sure: true},
		},
		"at the first record of a topic made anew, whatever was settled of the old one": {
			known{topic: thisOne, committed: at(100), note: noted(another), started: true, kept: &kept{at(100), 120, noted(another)}},
			begin{at: atFirst, note: of(thisOne), anew: true},
		},
		"where others have come to, which is not known yet, if it is taken once": {
			known{topic: thisOne, committed: at(-1), note: nothing, once: true},
			begin{at: atOthers},
		},
		"where another has come to": {
			known{topic: thisOne, committed: at(-1), note: nothing, once: true, asked: true, other: &standing{"other", 100, noted(thisOne)}},
			begin{at: 100, note: noted(thisOne), group: "other", sure: true},
		},
		"where another has come to in a topic made anew, until it is confirmed": {
			known{topic: thisOne, committed: at(100), note: noted(another), started: true, once: true, asked: true, other: &standing{"other", 7, of(thisOne)}},
			begin{at: 7, note: of(thisOne), group: "other", anew: true},
		},
		"at the first record, if there is no other": {
			known{topic: thisOne, committed: at(-1), note: nothing, once: true, asked: true},
			begin{at: atFirst, note: of(thisOne), sure: true},
		},
		"at what the group itself has committed, wherever others are": {
			known{topic: thisOne, committed: at(100), note: noted(thisOne), started: true, once: true},
			begin{at: 100, note: noted(thisOne), sure: true},
		},
		"at what this member has settled and could not commit, wherever others are": {
			known{topic: thisOne, committed: at(-1), note: nothing, once: true, kept: &kept{at(-1), 20, noted(thisOne)}},
			begin{at: 20, note: noted(thisOne), sure: true},
		},
		"at the first record of a topic made anew whose commits went with it, likewise": {
			known{topic: thisOne, committed: at(-1), note: nothing, latest: true, appeared: true, kept: &kept{at(-1), 120, noted(another)}},
			begin{at: atFirst, note: of(thisOne), sure: true},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if got := test.known.begin(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("it begins at %+v, want %+v", got, test.want)
			}
		})
	}
}
