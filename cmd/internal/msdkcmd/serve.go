package msdkcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// standIn is the options of a stand-in to be served.
type standIn struct {
	listen      string
	apps        appFlag
	users       int
	noUserLimit bool
	script      string
	moods       msdktest.Moods
}

func newServe() *cobra.Command {
	o := &standIn{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "A stand-in for MSDK, to test a game server against",
		Long: `Serves the twelve calls of MSDK with a state of its own: users, friends, tokens that expire, pictures, messages and
leaderboards. Calls are checked as the platform does, and a refusal says in words what the usual cause is. Nothing leaves
this machine, and nothing is kept when it ends: SIGTERM or Ctrl-C ends it, exit code 0.

Its page, at /, shows the leaderboards, the last requests with what was right and wrong in each, and why a score is not on
a board. Programs direct it under /_/: what the next answers are to be, a reset, the clock; GET /_/ says how.

Without --app there are two games, with the users of the interface document's examples; what it prints at the start says
which, with their keys. The keys are the stand-in's own: do not give it real ones. Each request is a line on standard error.`,
		Example: `  battlereport msdk serve
  battlereport msdk serve --listen 127.0.0.1:0 --app wx1=secret --users 1000
  battlereport msdk serve --latency 50ms --fail 0.05 --throttle 0.01     a platform with moods
  battlereport msdk serve --script answers.json                          answers as told, as POST /_/script takes them`,
		Args: cli.UpTo(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := o.config(cmd.Flags().Changed("users"))
			if err != nil {
				return cli.Usage(cmd, err)
			}
			return o.serve(cmd, config)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", "127.0.0.1:9700", "`HOST:PORT` to serve at; port 0: any free one")
	f.Var(&o.apps, "app", "an app, `APPID=APPKEY[,MSDKKEY]`, in the place of those there are; may be repeated")
	f.IntVar(&o.users, "users", 100, "`N` users of each app, player1 and so on, in the place of those there are")
	f.Uint64Var(&o.moods.Seed, "seed", 1, "`SEED` of users and troubles: the same one makes the same")
	f.DurationVar(&o.moods.Latency, "latency", 0, "`TIME` that each call takes")
	f.Float64Var(&o.moods.Fail, "fail", 0, "`SHARE` of calls answered with HTTP 500, 0 to 1")
	f.Float64Var(&o.moods.Throttle, "throttle", 0, "`SHARE` of calls answered with a frequency limit")
	f.Float64Var(&o.moods.Timeout, "timeout", 0, "`SHARE` of calls never answered")
	f.BoolVar(&o.noUserLimit, "no-user-limit", false, "let a user be the subject of more than one call a second")
	f.StringVar(&o.script, "script", "", "`FILE` with the rules to begin with, JSON")
	return cmd
}

// config is the stand-in that is asked for.
func (o *standIn) config(ownUsers bool) (config msdktest.Config, err error) {
	for _, share := range []struct {
		name  string
		value float64
	}{{"fail", o.moods.Fail}, {"throttle", o.moods.Throttle}, {"timeout", o.moods.Timeout}} {
		if !(share.value >= 0 && share.value <= 1) {
			err = errors.Join(err, fmt.Errorf("--%s %v: want a share, 0 to 1", share.name, share.value))
		}
	}
	if o.moods.Latency < 0 {
		err = errors.Join(err, fmt.Errorf("--latency %v: want 0 or more", o.moods.Latency))
	}
	if o.users < 1 || o.users > maxUsers {
		err = errors.Join(err, fmt.Errorf("--users %d: want 1 to %d", o.users, maxUsers))
	}
	if err != nil {
		return config, err
	}
	config = msdktest.DefaultConfig()
	config.NoUserLimit, config.CountsOnly = o.noUserLimit, true
	if len(o.apps) > 0 {
		config.Apps = o.apps
	}
	if len(o.apps) > 0 || ownUsers {
		for i := range config.Apps {
			config.Apps[i].Users = msdktest.Users(o.moods.Seed+uint64(i), o.users)
		}
	}
	return config, nil
}

const maxUsers = 100_000

// serve serves until the command's context ends.
func (o *standIn) serve(cmd *cobra.Command, config msdktest.Config) error {
	config.OnRequest = logRequests(cmd.ErrOrStderr())
	sim := msdktest.New(config)
	defer sim.Close()
	sim.SetRules(o.moods.Rules()...)
	if o.script != "" {
		text, err := os.ReadFile(o.script)
		if err == nil {
			err = sim.LoadScript(text)
		}
		if path := new(fs.PathError); errors.As(err, &path) {
			err = path.Err // it names the file once more
		}
		if err != nil {
			return fmt.Errorf("--script %s: %w", o.script, err)
		}
	}
	listener, err := net.Listen("tcp", o.listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("--listen %s: another program is there; port 0 is any free one", o.listen)
	case err != nil:
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	sim.Serve(listener)
	fmt.Fprint(cmd.OutOrStdout(), greeting(reachable(listener.Addr()), config))
	<-cmd.Context().Done()
	return nil
}

// reachable is the URL of a server on this machine that listens on addr.
func reachable(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	if !tcp.IP.IsUnspecified() {
		return "http://" + tcp.String()
	}
	return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
}

// greeting says what is where, and how to begin.
func greeting(address string, config msdktest.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "A stand-in for MSDK is at %s\nIts page is that address too; GET %s/_/ says how programs direct it.\n\n", address, address)
	for _, app := range config.Apps {
		user := app.Users[0].OpenID
		fmt.Fprintf(&b, "app   %s   appkey %s", app.ID, app.AppKey)
		if app.MSDKKey != "" {
			fmt.Fprintf(&b, "   msdkkey %s", app.MSDKKey)
		}
		fmt.Fprintf(&b, "\n      %d users, such as %s\n      access token %s   refresh token %s\n",
			len(app.Users), user, "at_"+user, "rt_"+user)
	}
	app := config.Apps[0]
	user := app.Users[0].OpenID
	fmt.Fprintf(&b, `
Try it:
  KEY=%s TS=$(date +%%s); SIG=$(printf %%s "$KEY$TS" | md5sum | cut -c1-32)
  curl -d '{"openid":"%[2]s","accessToken":"%[3]s"}' \
    "%[4]s/auth/check_token/?timestamp=$TS&appid=%[5]s&sig=$SIG&openid=%[2]s&encode=1"

`, quoted(app.AppKey), user, "at_"+user, address, url.QueryEscape(app.ID))
	return b.String()
}

// quoted is text as a word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// appFlag is a flag that may be repeated, an app each.
type appFlag []msdktest.App

func (a *appFlag) String() string { return "" }

// Type is what the flag's help calls its value.
func (a *appFlag) Type() string { return "APP" }

// Set takes APPID=APPKEY or APPID=APPKEY,MSDKKEY.
func (a *appFlag) Set(text string) error {
	id, keys, _ := strings.Cut(text, "=")
	key, msdkKey, both := strings.Cut(keys, ",")
	if id == "" || key == "" || both && msdkKey == "" || strings.HasPrefix(id, "G_") {
		return errors.New("want APPID=APPKEY or APPID=APPKEY,MSDKKEY, and no guest's appid, G_…")
	}
	for _, other := range *a {
		if other.ID == id {
			return errors.New("this appid is there already")
		}
	}
	*a = append(*a, msdktest.App{ID: id, AppKey: key, MSDKKey: msdkKey})
	return nil
}
