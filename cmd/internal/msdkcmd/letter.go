package msdkcmd

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/schema"
)

// checkPostable says why no request can be made of a letter, whoever makes it.
func checkPostable(l *triage.Letter) error {
	switch {
	case l.Entry.Foreign != "":
		return fmt.Errorf("%s is no letter of ours: %s", l.Entry.Name, l.Entry.Foreign)
	case l.Entry.Letter.Omitted.Value:
		from := l.Entry.Letter.Source
		return fmt.Errorf("%s has no value: it was too large for the letter, and lies in %s, partition %d, offset %d, as long as that keeps it",
			l.Entry.Name, from.Topic, from.Partition, from.Offset)
	case len(l.Entry.Letter.Value) == 0:
		return fmt.Errorf("%s has no value to be posted: the record had none", l.Entry.Name)
	}
	return nil
}

// ofLetter makes the request that the pipeline makes of the record of a letter, alone in its call: by the letter's route, or
// the app's where the letter has none. That the pipeline would not make it is a warning.
func ofLetter(cmd *cobra.Command, l *triage.Letter, cfg config.App, app msdkclient.App) (r request, err error) {
	if l.Entry.Letter.Route != "" {
		cfg.Route = l.Entry.Letter.Route
	}
	admitting, err := admission.NewApp(cfg)
	if err != nil {
		return r, err
	}
	value := l.Entry.Letter.Value
	report, refusal := admitting.Admit(l.Entry.Letter.Key, value, l.Entry.Letter.Headers, consumer.Excess{})
	if refusal != nil {
		cli.Complain(cmd, fmt.Sprintf("warning: the pipeline would not send this: %v", refusal))
	}
	if refusal != nil {
		report = whatIsThere(l)
	}
	r.openid = string(report.OpenID)
	if cfg.Route == config.RouteScore {
		r.what, _ = msdkclient.LookupCall(msdkclient.PathReportScore)
		if len(report.Score) == 0 {
			return r, fmt.Errorf("%s has no battleinfo.score that is an integer, which is all that %s reports", l.Entry.Name, r.what.Path)
		}
		score := r.what.Template(app).(*msdkclient.ReportScoreRequest)
		score.OpenID, score.Score, score.Expires = r.openid, string(report.Score), cfg.ScoreExpires
		r.body, err = json.Marshal(score)
		return r, err
	}
	r.what, _ = msdkclient.LookupCall(msdkclient.PathReportBattle)
	r.body = msdkclient.BattleReportBody(app, r.openid, value)
	return r, nil
}

// whatIsThere is the report of a record that was refused, as far as it can be told.
func whatIsThere(l *triage.Letter) (r schema.Report) {
	tree, _ := parse(l.Entry.Letter.Value)
	if r.OpenID = []byte(userOf(map[string]any{"json": tree})); len(r.OpenID) == 0 {
		r.OpenID = l.Entry.Letter.Key
	}
	report, _ := tree.(map[string]any)
	battle, _ := report["battleinfo"].(map[string]any)
	if score, ok := battle["score"].(json.Number); ok && integer.MatchString(score.String()) {
		r.Score = []byte(score)
	}
	return r
}

// remindOf says what a call by hand does not do.
func remindOf(cmd *cobra.Command, l *triage.Letter) {
	if l.Entry.State == deadletter.Pending {
		remark(cmd, "letter %s is pending as before: deadletter replay would send it once more, deadletter discard sets it aside", l.Entry.Name)
		return
	}
	remark(cmd, "letter %s stays %s", l.Entry.Name, l.Entry.State)
}
