package deadletter

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

func where(t *testing.T, expr string) *Where {
	t.Helper()
	w, err := CompileWhere(expr)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFilterSelects(t *testing.T) {
	t.Parallel()
	letter := Entry{Name: someName, Written: someTime, State: Pending, Letter: full()}
	letter.Letter.Key = []byte("o1")
	letter.Letter.Value = []byte(`{"baseinfo":{"openid":"o2"},"openid":"o3","n":12345678901234567890,"f":1.10}`)
	letter.Letter.Headers = append(letter.Letter.Headers, consumer.Header{Key: "bin", Value: []byte{0xff}})
	foreign := Entry{Name: someName, Written: someTime, State: Pending, Foreign: "why", Letter: Letter{Key: []byte("o1"), Value: []byte("text")}}
	seven, eight, offset := 7, 8, int64(1)<<40
	valued := func(value string) Entry { e := letter; e.Letter.Value = []byte(value); return e }
	with := func(state State) Entry { e := letter; e.State = state; return e }
	for rule, test := range map[string]struct {
		filter Filter
		entry  Entry
		want   bool
	}{
		"the zero filter takes what is pending":        {Filter{}, letter, true},
		"foreign records too":                          {Filter{}, foreign, true},
		"but not what is replayed":                     {Filter{}, with(Replayed), false},
		"which a state asks for":                       {Filter{State: Replayed}, with(Replayed), true},
		"and nothing else":                             {Filter{State: Replayed}, letter, false},
		"any state takes all":                          {Filter{State: AnyState}, with(Discarded), true},
		"a name":                                       {Filter{Names: []Name{{}, someName}}, letter, true},
		"another name":                                 {Filter{Names: []Name{{"t.dlq", 3, 8}}}, letter, false},
		"one of the reasons":                           {Filter{Reasons: []Reason{Expired, SchemaViolation}}, letter, true},
		"none of the reasons":                          {Filter{Reasons: []Reason{Expired}}, letter, false},
		"a foreign record has no reason":               {Filter{Reasons: Reasons()}, foreign, false},
		"an app":                                       {Filter{AppIDs: []string{"wx1"}}, letter, true},
		"an unknown app":                               {Filter{AppIDs: []string{""}}, letter, false},
		"a foreign record has not even an unknown one": {Filter{AppIDs: []string{""}}, foreign, false},
		"a ret":                                {Filter{Rets: []int{0, -20000}}, letter, true},
		"another ret":                          {Filter{Rets: []int{0}}, letter, false},
		"since its time":                       {Filter{Since: someTime}, letter, true},
		"since a later time":                   {Filter{Since: someTime.Add(time.Millisecond)}, letter, false},
		"until its time":                       {Filter{Until: someTime}, letter, false},
		"until a later time":                   {Filter{Until: someTime.Add(time.Millisecond)}, letter, true},
		"the openid of the key":                {Filter{OpenID: "o1"}, letter, true},
		"the openid of baseinfo":               {Filter{OpenID: "o2"}, letter, true},
		"the openid at the top":                {Filter{OpenID: "o3"}, letter, true},
		"another openid":                       {Filter{OpenID: "o4"}, letter, false},
		"an openid beside what is not UTF-8":   {Filter{OpenID: "o5"}, valued("{\"baseinfo\":{\"openid\":\"o5\",\"gamename\":\"\xb0\xa1\"}}"), true},
		"an openid in what is not JSON":        {Filter{OpenID: "text"}, foreign, false},
		"the source's topic":                   {Filter{Topic: "battle-reports"}, letter, true},
		"another topic":                        {Filter{Topic: "t.dlq"}, letter, false},
		"the source's partition":               {Filter{Partition: &seven}, letter, true},
		"another partition":                    {Filter{Partition: &eight}, letter, false},
		"the source's offset":                  {Filter{Offset: &offset}, letter, true},
		"the place of a violation":             {Filter{Violation: "/baseinfo"}, letter, true},
		"a place above it":                     {Filter{Violation: "/properties/baseinfo"}, letter, true},
		"a place below it":                     {Filter{Violation: "/baseinfo/platid"}, letter, false},
		"a place whose name only begins alike": {Filter{Violation: "/base"}, letter, false},
		"the rule that is broken":              {Filter{Violation: "/anyOf"}, letter, true},
		"its delivery":                         {Filter{Delivery: Uncertain}, letter, true},
		"another delivery":                     {Filter{Delivery: None}, letter, false},
		"all of several":                       {Filter{Delivery: Uncertain, AppIDs: []string{"wx2"}}, letter, false},
		"where something holds":                {Filter{Where: where(t, `.value.baseinfo.openid == "o2"`)}, letter, true},
		"where it does not":                    {Filter{Where: where(t, `.value.openid == "o2"`)}, letter, false},
		"where null":                           {Filter{Where: where(t, `null`)}, letter, false},
		"where nothing":                        {Filter{Where: where(t, `empty`)}, letter, false},
		"where 0, which is true":               {Filter{Where: where(t, `0`)}, letter, true},
		"where an integer has all its digits":  {Filter{Where: where(t, `.value.n == 12345678901234567890 and .value.n != 12345678901234567891`)}, letter, true},
		"where a header has its last value":    {Filter{Where: where(t, `.headers.twice == "2" and .headers.bin == null`)}, letter, true},
		"where the letter says": {Filter{Where: where(t,
			`.letter | .name == "t.dlq/3/7" and .key == "o1" and .source.offset == 1099511627776 and .violations[1].keyword == "/anyOf" and .ret == -20000`)}, letter, true},
		"where the text is, of what is not JSON":                    {Filter{Where: where(t, `.text == "text" and .value == null and .letter.foreign == "why"`)}, foreign, true},
		"where the value is none, as two parsers read it otherwise": {Filter{Where: where(t, `.value == null`)}, valued(`{"n":1,"n":2}`), true},
		"it is not seen one way":                                    {Filter{Where: where(t, `.value.n == 2`)}, valued(`{"n":1,"n":2}`), false},
		"nor the other":                                             {Filter{Where: where(t, `.value.n == 1`)}, valued(`{"n":1,"n":2}`), false},
		"but as text":                                               {Filter{Where: where(t, `.text == "{\"n\":1,\"\\u006e\":2}"`)}, valued(`{"n":1,"\u006e":2}`), true},
		"where half of a surrogate pair stands":                     {Filter{Where: where(t, `.value == null`)}, valued(`{"n":"\ud83d"}`), true},
		"one of two openids":                                        {Filter{OpenID: "o4"}, valued(`{"openid":"o4","openid":"o5"}`), true},
		"and the other":                                             {Filter{OpenID: "o5"}, valued(`{"openid":"o4","openid":"o5"}`), true},
		"in one of two baseinfos":                                   {Filter{OpenID: "o4"}, valued(`{"baseinfo":{"openid":"o4"},"baseinfo":7}`), true},
		"an openid beside what cannot be right":                     {Filter{OpenID: "o4"}, valued(`{"baseinfo":{"openid":"o4","gamename":"\ud83d"}}`), true},
		"an openid that is a number hides nothing":                  {Filter{OpenID: "o4"}, valued(`{"openid":4,"baseinfo":{"openid":"o4"}}`), true},
		"openid in capitals is another key":                         {Filter{OpenID: "o4"}, valued(`{"OpenID":"o4"}`), false},
		"an openid anywhere else":                                   {Filter{OpenID: "o4"}, valued(`{"battleinfo":{"openid":"o4"}}`), false},
	} {
		if got, err := test.filter.Match(t.Context(), &test.entry); got != test.want || err != nil {
			t.Errorf("%s: %v, error %v", rule, got, err)
		}
	}
}

func TestAConditionThatFailsDoesNotMatchAndSaysWhy(t *testing.T) {
	t.Parallel()
	e := Entry{Name: someName, State: Pending, Letter: Letter{Value: []byte("1")}}
	for expr, want := range map[string]string{
		`.value.x`:          `letter t.dlq/3/7: jq expression ".value.x": expected an object but got: number (1)`,
		`error("x")`:        `letter t.dlq/3/7: jq expression "error(\"x\")": error: x`,
		`def f: f; f`:       `letter t.dlq/3/7: jq expression "def f: f; f": it takes longer than 1s`,
		`[repeat(1)] | any`: `letter t.dlq/3/7: jq expression "[repeat(1)] | any": it takes longer than 1s`,
	} {
		f := Filter{Where: where(t, expr)}
		if ok, err := f.Match(t.Context(), &e); ok || err == nil || err.Error() != want {
			t.Errorf("%s: %v, error %v", expr, ok, err)
		}
	}
	for _, expr := range []string{`.value |`, `nosuchfunction`, `$x`, ``} {
		if _, err := CompileWhere(expr); err == nil || !strings.Contains(err.Error(), strconv.Quote(expr)) {
			t.Errorf("%s: error %v", expr, err)
		}
	}
}
