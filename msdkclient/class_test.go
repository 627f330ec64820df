package msdkclient

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestEveryHTTPStatusHasItsVerdict(t *testing.T) {
	t.Parallel()
	next := 100
	for _, row := range rows(t, "testdata/statuses.tsv") {
		first, last, isRange := strings.Cut(row[0], "-")
		if !isRange {
			last = first
		}
		if number(t, first) != next {
			t.Fatalf("line %q: want it to begin with %d", row, next)
		}
		for ; next <= number(t, last); next++ {
			class, uncertain := decide(next, answer{}, false)
			if class.String() != row[1] || uncertain != (row[2] == "uncertain") {
				t.Errorf("%d: %v, uncertain %v; want %s, %s", next, class, uncertain, row[1], row[2])
			}
		}
	}
	if next != 600 {
		t.Errorf("verdicts end before %d", next)
	}
}

func TestVerdictWhenCodesDisagree(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		status    int
		answer    string
		class     Class
		uncertain bool
	}{
		"an unknown ret is retried":                          {200, `{"ret":-99999}`, Retry, false},
		"an unknown ret of the caller's range is a record's": {200, `{"ret":-1500}`, Record, false},
		"… to its very end":                                  {200, `{"ret":-1999}`, Record, false},
		"… and not beyond":                                   {200, `{"ret":-2000}`, Retry, false},
		"… but says nothing beside a status that fails":      {503, `{"ret":-1500}`, Retry, false},
		"an unknown inner code is retried":                   {200, `{"ret":-20000,"msg":"50002,x"}`, Retry, false},
		"-1 of WeChat is its system error":                   {200, `{"ret":-20000,"msg":"-1,system error"}`, Retry, false},
		"-1 of mobile QQ is a bad parameter":                 {200, `{"ret":-10000,"msg":"-1,x"}`, Record, false},
		"a code that only the other platform has counts":     {200, `{"ret":-10000,"msg":"40013,x"}`, AppClass, false},
		"an unreadable inner code is retried":                {200, `{"ret":-20000,"msg":"x,40001"}`, Retry, false},
		"a missing inner code is retried":                    {200, `{"ret":-10000}`, Retry, false},
		"an inner code counts only behind the two rets":      {200, `{"ret":-306,"msg":"40001,x"}`, Retry, false},
		"a ret that is an inner code is unknown":             {200, `{"ret":40001}`, Retry, false},
		"a ret as a string counts":                           {200, `{"ret":"-1011"}`, Record, false},
		"a known ret wins over a 5xx":                        {500, `{"ret":-1011}`, Record, false},
		"a known ret wins over a 4xx":                        {403, `{"ret":-503}`, Throttle, false},
		"a known inner code wins over a 5xx":                 {502, `{"ret":-20000,"msg":"40013,x"}`, AppClass, false},
		"an unknown ret leaves the verdict to the status":    {404, `{"ret":7}`, Endpoint, false},
		"a 5xx with a ret, even an unknown one, is certain":  {503, `{"ret":7}`, Retry, false},
		"success with a 5xx is neither":                      {500, `{"ret":0}`, Retry, true},
		"success with a 4xx may have been acted on":          {404, `{"ret":0}`, Endpoint, true},
		"success with a 201 is a failure":                    {201, `{"ret":0}`, Retry, true},
		"an empty result is a success":                       {200, `{"ret":1,"msg":"x"}`, accepted, false},
		"an object without ret says nothing":                 {200, `{"msg":"success"}`, Retry, true},
		"a ret that is no number says nothing":               {200, `{"ret":"ok"}`, Retry, true},
		"a ret of null says nothing":                         {200, `{"ret":null}`, Retry, true},
		"a ret that is no integer says nothing":              {200, `{"ret":0.5}`, Retry, true},
		"a list says nothing":                                {200, `[{"ret":0}]`, Retry, true},
		"two answers that differ say nothing":                {200, `{"ret":0}{"ret":-306}`, Retry, true},
		"an answer cut off before its ret says nothing":      {200, `{"msg":"success","re`, Retry, true},
		"an answer cut off behind its ret is as certain":     {200, `{"ret":-306,"msg":"ti`, Retry, false},
		"success with a 5xx is neither, cut off or not":      {500, `{"ret":0,"msg":"suc`, Retry, true},
		"an empty answer says nothing":                       {200, ``, Retry, true},
		"an HTML page says nothing":                          {200, `<html>maintenance</html>`, Retry, true},
		"a byte order mark and unknown fields do not matter": {200, "\ufeff" + `{"ret":0,"err_type":[0]}`, accepted, false},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			class, uncertain := decide(tt.status, parseAnswer([]byte(tt.answer)), false)
			if class != tt.class || uncertain != tt.uncertain {
				t.Errorf("HTTP %d %s: %v, uncertain %v; want %v, %v",
					tt.status, tt.answer, class, uncertain, tt.class, tt.uncertain)
			}
		})
	}
}

// rows reads a file of tab-separated values without its comments.
func rows(t *testing.T, file string) (rows [][]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "#") {
			rows = append(rows, strings.Split(lines.Text(), "\t"))
		}
	}
	if lines.Err() != nil || len(rows) == 0 {
		t.Fatalf("read %s: %d rows, %v", file, len(rows), lines.Err())
	}
	return rows
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
