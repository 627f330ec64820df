package msdkcmd

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/deadlettercmd"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/msdkclient"
)

func newCall() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "call PATH",
		Short: "Sign a call of MSDK and send it, or show it",
		Long: `Makes one call: PATH is that of the interface document, such as /auth/check_token, with or without slashes at its ends, or
its last word. The twelve are

` + callList() + `

Where it goes and which app signs it says the configuration, -c FILE; or --base-url and --app, with the key in --key-file
or in the environment variable ` + keyVariable + `. Flags go before the configuration. A key is never given on the command line.

The body is given by -F, field by field, each in the type that the document gives it: -F score=1000000 is a string to
wxscore, and -F json.battleinfo.score=1000000 a number to wxbattle_report. A dot leads into a field, [0] into an array; a
list of values is the flag repeated. NAME=@FILE takes the value from a file (@@ begins one with an @); binary=@FILE is a
picture, and fills in filename, filelength and content_type. What follows from the app is filled in, as are grantType and
the like. --example begins with a documented example instead, in the place of whose appid and secret the app's stand. -d is
a whole body, sent byte for byte, whatever it is. What the document does not allow in a body is a warning: to send wrong
things on purpose is a use of this command.

--letter NAME makes the request that the pipeline makes of a dead letter, byte for byte, alone in its call. PATH is not
needed then. It resolves nothing: the letter stays as it is.

--dry-run shows the request and sends nothing, --curl shows the command of curl that does the same. Neither shows the
signature, nor the key where the body has it, unless --show-signature is given; the command then works for ten minutes, for
whoever reads it. Tokens of users are shown.

The answer goes to standard output: indented to a terminal, as it came (but for the key and the signature) into a pipe, or
as -o says. What it means goes to standard error. At most 64 MiB are sent, and 4 MiB of an answer read (64 KiB where it
is no list).

` + exitCodesHelp(),
		Example: `  battlereport msdk call check_token -c battlereport.yaml -F accessToken=@token.txt -F openid=oGRTijrV0l67hDGN7dstOl8CphN0
  battlereport msdk call wxgame -c battlereport.yaml --example=image -F touser=oGRTijlTxQPrvr-H5-pgoZMhZgog
  battlereport msdk call wxbattle_report -c battlereport.yaml -d @report.json --curl
  battlereport msdk call -c battlereport.yaml --letter battle-reports.dlq/3/1042 --dry-run
  MSDK_APPKEY=... battlereport msdk call upload_wx --base-url http://127.0.0.1:9700 --app wxcde873f99466f74a -F binary=@b.jpg`,
	}
	c := &call{cmd: cmd, target: newTargetFlags(cmd), body: newBodyFlags(cmd)}
	cmd.Flags().StringVar(&c.letter, "letter", "", "make the request of this dead letter, `TOPIC/PARTITION/OFFSET`")
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "show the request, send nothing")
	cmd.Flags().BoolVar(&c.curl, "curl", false, "show the command of curl for the request, send nothing")
	cmd.Flags().BoolVar(&c.showSignature, "show-signature", false, "show the signature, and the key where the body has it; with --dry-run or --curl")
	c.output.Allowed = []string{"pretty", "raw"}
	cmd.Flags().VarP(&c.output, "output", "o", "form of the answer: pretty or raw; by itself what suits standard output")
	cmd.ValidArgsFunction = completePath
	_ = cmd.RegisterFlagCompletionFunc("field", completeField)
	_ = cmd.RegisterFlagCompletionFunc("example", completeExample)
	_ = cmd.RegisterFlagCompletionFunc("app", c.target.completeApp)
	cmd.Args = cli.UpTo(2) // with --example the second may be its name
	cmd.RunE = func(_ *cobra.Command, args []string) error { return c.run(args) }
	return cmd
}

// A call is what the flags of the command say.
type call struct {
	cmd    *cobra.Command
	target *targetFlags
	body   *bodyFlags

	letter                      string
	dryRun, curl, showSignature bool
	output                      cli.Choice
}

func (c *call) run(args []string) error {
	cfg, err := c.target.config()
	if err != nil {
		return err
	}
	path, err := c.path(args)
	if err != nil {
		return err
	}
	if c.showSignature && !c.dryRun && !c.curl {
		return cli.Usage(c.cmd, errors.New("--show-signature is for --dry-run and --curl"))
	}
	var t *target
	var r request
	var letter *triage.Letter
	if c.cmd.Flags().Changed("letter") {
		letter, t, r, err = c.ofLetter(cfg, path)
	} else {
		t, r, err = c.ofFlags(cfg, path)
	}
	if err != nil {
		return err
	}
	c.warn(t, r)
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if c.curl || c.dryRun {
		p := newPreview(client, t, r, c.showSignature)
		if c.curl {
			return p.writeCurl(c.cmd.OutOrStdout())
		}
		return p.writeHTTP(c.cmd.OutOrStdout())
	}
	began := time.Now()
	answer, err := client.Send(c.cmd.Context(), t.app, r.what, r.openid, r.body)
	err = conclude(c.cmd, c.output.Value, answer, time.Since(began), err)
	if letter != nil {
		remindOf(c.cmd, letter)
	}
	return err
}

// path is the argument PATH. Beside it may stand the name of an example, as if --example took one without the equals sign.
func (c *call) path(args []string) (string, error) {
	if len(args) < 2 {
		return strings.Join(args, ""), nil
	}
	if c.body.example != anyExample {
		return "", cli.Usage(c.cmd, fmt.Errorf("unexpected argument %q", args[1]))
	}
	path, name := args[0], args[1]
	if _, isCall := lookup(path); !isCall {
		if _, isCall = lookup(name); isCall {
			path, name = name, path
		}
	}
	c.body.example = name
	return path, nil
}

func (c *call) ofFlags(cfg *config.Config, path string) (*target, request, error) {
	what, known := lookup(path)
	if !known {
		return nil, request{}, unknownCall(c.cmd, path)
	}
	t, err := c.target.target(cfg, "")
	if err != nil {
		return nil, request{}, err
	}
	r, err := c.body.request(what, t.app)
	return t, r, err
}

func (c *call) ofLetter(cfg *config.Config, path string) (l *triage.Letter, t *target, r request, err error) {
	switch {
	case cfg == nil:
		return l, t, r, cli.Usage(c.cmd, errors.New("which configuration? --letter needs -c FILE"))
	case c.body.given():
		return l, t, r, cli.Usage(c.cmd, errors.New("--letter makes the whole body: it goes with none of -d, -F and --example"))
	}
	if l, err = deadlettercmd.Letter(c.cmd, cfg, c.letter); err == nil {
		err = checkPostable(l)
	}
	if err != nil {
		return l, t, r, err
	}
	if l.Entry.Letter.AppID == "" && c.target.app == "" {
		return l, t, r, cli.Usage(c.cmd, fmt.Errorf("%s is of no app that is known (%s): --app APPID says whose it is", l.Entry.Name, l.Entry.Letter.Reason))
	}
	if t, err = c.target.target(cfg, l.Entry.Letter.AppID); err != nil {
		return l, t, r, err
	}
	app, err := c.target.configured(cfg, t.app.ID)
	if err == nil {
		r, err = ofLetter(c.cmd, l, *app, t.app)
	}
	if err != nil {
		return l, t, r, err
	}
	if what, known := lookup(path); path != "" && what != r.what {
		if !known {
			return l, t, r, unknownCall(c.cmd, path)
		}
		return l, t, r, cli.Usage(c.cmd, fmt.Errorf("%s goes to %s, not to %s", l.Entry.Name, r.what.Path, what.Path))
	}
	if c.cmd.Flags().Changed("openid") {
		r.openid = c.body.openid
	}
	return l, t, r, nil
}

// maxWarnings is how many faults of a body are told one by one.
const maxWarnings = 10

// warn tells what the platform will not like, as far as it can be known.
func (c *call) warn(t *target, r request) {
	warn := func(format string, args ...any) { cli.Complain(c.cmd, "warning: "+fmt.Sprintf(format, args...)) }
	faults := r.what.Faults(r.body)
	for i, fault := range faults {
		if i == maxWarnings {
			warn("and %d more", len(faults)-i)
			break
		}
		warn("%v", fault)
	}
	tree, _ := parse(r.body)
	body, _ := tree.(map[string]any)
	if appid, isText := body["appid"].(string); isText && appid != "" && appid != t.app.ID {
		warn("appid: %q: want that of the app that calls, %s", appid, t.app.ID)
	}
	if r.openid == "" && r.what.Path != msdkclient.PathUploadPicture {
		warn("the URL names no user: --openid OPENID does")
	}
}
