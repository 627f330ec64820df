package schema

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBuiltIns(t *testing.T) {
	t.Parallel()
	const (
		all   = "en ja any"
		newer = "en any" // what the older edition does not know passes there
		older = "ja any"
	)
	base := func(fields string) string { return `{"baseinfo":{` + fields + `},"battleinfo":{}}` }
	user := func(field string) string { return base(`"openid":"u","platid":0,` + field) }
	battle := func(field string) string {
		return `{"baseinfo":{"openid":"u","platid":0},"battleinfo":{` + field + `}}`
	}
	custom := func(data string) string { return `{"baseinfo":{"openid":"u","platid":0},"userdefined":` + data + `}` }
	tests := map[string]struct {
		record string
		by     string // the editions that refuse it
		at     string // the first instance they refuse
	}{
		"the least there can be passes":             {base(`"openid":"u","platid":0`), "", ""},
		"custom data may stand without a battle":    {custom(`{}`), "", ""},
		"neither battle nor custom data is nothing": {`{"baseinfo":{"openid":"u","platid":0}}`, all, ""},
		"unknown fields pass everywhere":            {`{"x":1,"baseinfo":{"openid":"u","platid":0,"x":[]},"battleinfo":{"x":{}}}`, "", ""},
		"a report is no array":                      {`[]`, all, ""},
		"a report is not null":                      {`null`, all, ""},

		"baseinfo is required":                 {`{"battleinfo":{}}`, all, ""},
		"baseinfo is an object":                {`{"baseinfo":"x","battleinfo":{}}`, all, "/baseinfo"},
		"openid is required":                   {base(`"platid":0`), all, "/baseinfo"},
		"openid is a string":                   {base(`"platid":0,"openid":1`), all, "/baseinfo/openid"},
		"openid is not empty":                  {base(`"platid":0,"openid":""`), all, "/baseinfo/openid"},
		"openid may have 128 characters":       {base(`"platid":0,"openid":"` + strings.Repeat("漢", 128) + `"`), "", ""},
		"openid has no more characters":        {base(`"platid":0,"openid":"` + strings.Repeat("x", 129) + `"`), all, "/baseinfo/openid"},
		"openid has not ten thousand":          {base(`"platid":0,"openid":"` + strings.Repeat("x", 10_000) + `"`), all, "/baseinfo/openid"},
		"platid is required":                   {base(`"openid":"u"`), all, "/baseinfo"},
		"platid is a number":                   {base(`"openid":"u","platid":"0"`), all, "/baseinfo/platid"},
		"platid may be 1":                      {base(`"openid":"u","platid":1`), "", ""},
		"platid is 0 or 1":                     {base(`"openid":"u","platid":2`), all, "/baseinfo/platid"},
		"a zone is a string in the newer one":  {user(`"partitionid":9`), "en", "/baseinfo/partitionid"},
		"a zone is a number in the older one":  {user(`"partitionid":"9"`), "ja", "/baseinfo/partitionid"},
		"a zone is nothing else":               {user(`"partitionid":true`), all, "/baseinfo/partitionid"},
		"a role may be empty":                  {user(`"roleid":""`), "", ""},
		"a role is a string":                   {user(`"roleid":7`), all, "/baseinfo/roleid"},
		"a level is whole":                     {user(`"level":2.5`), all, "/baseinfo/level"},
		"a level may be written with a point":  {user(`"level":2.0`), "", ""},
		"a game's name is a string":            {user(`"gamename":7`), all, "/baseinfo/gamename"},
		"battleinfo is an object":              {`{"baseinfo":{"openid":"u","platid":0},"battleinfo":[]}`, all, "/battleinfo"},
		"a score is no string":                 {battle(`"score":"1"`), all, "/battleinfo/score"},
		"a score is whole":                     {battle(`"score":1.5`), all, "/battleinfo/score"},
		"a score is whole beyond double's end": {battle(`"score":9007199254740992.5`), all, "/battleinfo/score"},
		"a score may be below nothing":         {battle(`"score":-3`), "", ""},
		"a victory is no number":               {battle(`"iswin":1`), newer, "/battleinfo/iswin"},
		"a mode is no string":                  {battle(`"modeid":"1"`), older, "/battleinfo/modeid"},
		"a time of the form stated passes":     {battle(`"acttime":"2014-09-24 13:10:45"`), "", ""},
		"a time has a date":                    {battle(`"acttime":"13:10:45"`), older, "/battleinfo/acttime"},
		"a time has no T":                      {battle(`"acttime":"2014-09-24T13:10:45"`), older, "/battleinfo/acttime"},
		"a time ends with the second":          {battle(`"acttime":"2014-09-24 13:10:45\n"`), older, "/battleinfo/acttime"},
		"a year has twelve months":             {battle(`"acttime":"2014-13-24 13:10:45"`), older, "/battleinfo/acttime"},
		"a month has a first day":              {battle(`"acttime":"2014-09-00 13:10:45"`), older, "/battleinfo/acttime"},
		"a day has 24 hours":                   {battle(`"acttime":"2014-09-24 24:10:45"`), older, "/battleinfo/acttime"},

		"custom data are in an object":   {custom(`[]`), newer, "/userdefined"},
		"a custom datum is an object":    {custom(`{"a/b~c%d":1}`), newer, "/userdefined/a~1b~0c%d"},
		"a custom datum has a value":     {custom(`{"gold":{"name":"gold coin"}}`), newer, "/userdefined/gold"},
		"a custom datum has a name":      {custom(`{"gold":{"value":1}}`), newer, "/userdefined/gold"},
		"a custom datum's name is text":  {custom(`{"gold":{"name":1,"value":1}}`), newer, "/userdefined/gold/name"},
		"a custom datum may be a string": {custom(`{"gold":{"name":"gold coin","value":"much"}}`), "", ""},
		"a custom datum is no boolean":   {custom(`{"gold":{"name":"gold coin","value":true}}`), newer, "/userdefined/gold/value"},
		"a custom datum is no fraction":  {custom(`{"gold":{"name":"gold coin","value":1.5}}`), newer, "/userdefined/gold/value"},
		"a custom datum may hold more":   {custom(`{"gold":{"name":"gold coin","value":1,"x":2}}`), "", ""},
	}
	for _, name := range BuiltIns() {
		s := mustLoad(t, name)
		edition := strings.TrimPrefix(name, "builtin:")
		for rule, test := range tests {
			t.Run(edition+"/"+rule, func(t *testing.T) {
				t.Parallel()
				report, refusal := s.Check([]byte(test.record))
				if !slices.Contains(strings.Fields(test.by), edition) {
					if refusal != nil {
						t.Fatalf("refused: %v", refusal)
					}
					if len(report.OpenID) == 0 {
						t.Error("accepted without an openid")
					}
					return
				}
				if refusal == nil {
					t.Fatal("accepted")
				}
				if refusal.Reason != SchemaViolation || len(refusal.Violations) == 0 {
					t.Fatalf("got %v with %d violations, want a schema violation", refusal, len(refusal.Violations))
				}
				if at := refusal.Violations[0].Instance; at != test.at {
					t.Errorf("refused at %q, want %q: %v", at, test.at, refusal)
				}
			})
		}
	}
}

func TestDocumentedExamplesPass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		by     string
		report said
	}{
		"en.json":             {"builtin:en builtin:any", said{"oGRTijrV0l67hDGN7dstOl8CphN0", "4288625"}},
		"en-userdefined.json": {"builtin:en builtin:any", said{"odFzSjp6jND4U0uRS35PW7c7NKvs", "4288625"}},
		"ja.json":             {"builtin:ja builtin:any", said{"oGRTijrV0l67hDGN7dstOl8CphN0", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			for _, builtIn := range strings.Fields(test.by) {
				report, refusal := mustLoad(t, builtIn).Check(text)
				if refusal != nil || saidBy(report) != test.report {
					t.Errorf("%s: got %+v, %v; want %+v", builtIn, report, refusal, test.report)
				}
			}
		})
	}
}

func mustLoad(t testing.TB, name string) *Schema {
	t.Helper()
	s, err := Load(name, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
