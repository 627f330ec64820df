package deadletter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// A letter is selected by what its headers say and by a condition on its value, and
// repaired without another change to that.
func Example() {
	name, err := deadletter.ParseName("battle-reports.dlq/0/7")
	if err != nil {
		fmt.Println(err)
		return
	}
	entry := deadletter.Entry{
		Name: name, Written: time.Now(), State: deadletter.Pending,
		Letter: deadletter.Letter{
			Key: []byte("o1"), Value: []byte(`{"score": "12", "openid": "o1", "map": 3.0}`),
			Reason: deadletter.SchemaViolation, AppID: "wx1",
			Violations: []deadletter.Violation{{Instance: "/score", Keyword: "/properties/score/type", Message: "a number is wanted"}},
		},
	}
	where, err := deadletter.CompileWhere(`.value.score | type == "string"`)
	if err != nil {
		fmt.Println(err)
		return
	}
	filter := deadletter.Filter{Reasons: []deadletter.Reason{deadletter.SchemaViolation}, Violation: "/score", Where: where}
	selected, err := filter.Match(context.Background(), &entry)
	fmt.Println(entry.Name, selected, err)

	repair, err := deadletter.CompileRepair(`.score |= tonumber`)
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := repair.Apply(context.Background(), entry.Letter.Value)
	fmt.Println(string(value), err)
	// Output:
	// battle-reports.dlq/0/7 true <nil>
	// {"score": 12, "openid": "o1", "map": 3.0} <nil>
}
