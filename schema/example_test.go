package schema_test

import (
	"fmt"

	"github.com/battlereport/battlereport/schema"
)

func ExampleSchema_Check() {
	s, err := schema.Load("builtin:any", schema.DefaultLimits())
	if err != nil {
		fmt.Println(err)
		return
	}

	report, _ := s.Check([]byte(`{
		"baseinfo": {"openid": "odFzSjp6jND4U0uRS35PW7c7NKvs", "platid": 0, "partitionid": "9"},
		"battleinfo": {"score": 4288625, "iswin": true}
	}`))
	fmt.Printf("%s %s\n", report.OpenID, report.Score)

	_, refusal := s.Check([]byte(`{
		"baseinfo": {"openid": "odFzSjp6jND4U0uRS35PW7c7NKvs", "platid": "iOS"},
		"battleinfo": {"score": 4288625.5, "iswin": true}
	}`))
	fmt.Println(refusal.Reason)
	for _, v := range refusal.Violations {
		fmt.Println(v.Instance, v.Keyword, v.Message)
	}

	_, refusal = s.Check([]byte(`{"baseinfo": {"openid": "a", "openid": "b"}}`))
	fmt.Println(refusal)

	// Output:
	// odFzSjp6jND4U0uRS35PW7c7NKvs 4288625
	// schema_violation
	// /baseinfo/platid /properties/baseinfo/properties/platid/type expected integer, but got string
	// /battleinfo/score /properties/battleinfo/properties/score/type expected integer, but got number
	// invalid_json: key "openid" stands twice in one object, at byte 29
}
