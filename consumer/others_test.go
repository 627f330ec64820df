package consumer

import (
	"fmt"
	"testing"
)

func TestOnlyCommitsOfThisProgramAndOfThisTopicSayWhatOthersHaveTaken(t *testing.T) {
	t.Parallel()
	var (
		here    = place{"cluster", "topic", 3}
		another = topicID{15: 2}
		n       = note{topic: thisOne, epoch: 3, unsettled: unsettled{[]int64{100, 104}, 107}}
		of      = func(n note, at place, offset int64) committed {
			return committed{offset, n.encode(at, offset, maxNote)}
		}
		noID    = note{epoch: unknownEpoch, unsettled: unsettled{nil, 100}}
		farther = note{topic: thisOne, epoch: 3, unsettled: unsettled{nil, 120}}
	)
	for rule, test := range map[string]struct {
		topic topicID
		found []found
		want  *standing
	}{
		"none, if there is no other":         {thisOne, nil, nil},
		"one":                                {thisOne, []found{{"a", of(n, here, 100)}}, &standing{"a", 100, n}},
		"the one that has come farthest":     {thisOne, []found{{"a", of(n, here, 100)}, {"b", of(farther, here, 120)}, {"c", of(n, here, 90)}}, &standing{"b", 120, farther}},
		"none, of a topic that had its name": {thisOne, []found{{"a", of(note{topic: another}, here, 100)}}, nil},
		"none, if that is not known":         {thisOne, []found{{"a", of(noID, here, 100)}}, nil},
		"one, where topics have no ids":      {topicID{}, []found{{"a", of(noID, here, 100)}}, &standing{"a", 100, noID}},
		"none, if it has been moved":         {topicID{}, []found{{"a", committed{120, of(noID, here, 100).metadata}}}, nil},
		"none, if it is of elsewhere":        {topicID{}, []found{{"a", of(noID, place{"cluster", "topic", 4}, 100)}}, nil},
		"none, of another program":           {topicID{}, []found{{"a", committed{100, "monitor-7"}}}, nil},
		"none, without metadata":             {topicID{}, []found{{"a", committed{100, ""}}}, nil},
		"none, that has committed nothing":   {topicID{}, []found{{"a", committed{-1, ""}}}, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if got := farthest(test.found, here, test.topic); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("it is %+v, want %+v", got, test.want)
			}
		})
	}
}
