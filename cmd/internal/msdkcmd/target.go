package msdkcmd

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/schema/plaintext"
)

// keyVariable holds the key where there is no configuration. No flag does: others on this machine see those.
const keyVariable = "MSDK_APPKEY"

// maxKeyFile is the most that a file with a key may have, in bytes.
const maxKeyFile = 4 << 10

// targetFlags say where a call goes, and which app makes it.
type targetFlags struct {
	cmd     *cobra.Command
	load    func() (*config.Config, error)
	baseURL string
	app     string
	keyFile string
	encode  int
}

func newTargetFlags(cmd *cobra.Command) *targetFlags {
	f := &targetFlags{cmd: cmd, load: cli.ConfigFlag(cmd)}
	cmd.Flags().StringVar(&f.baseURL, "base-url", "", "`URL` that the call goes to, in the place of msdk.base_url")
	cmd.Flags().StringVar(&f.app, "app", "", "`APPID` of the app that calls; needed unless the configuration has one alone")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "`FILE` with the app's key, in the place of the configured one")
	cmd.Flags().IntVar(&f.encode, "encode", 0, "what the key is, in the place of the configured `1|2`: 1 the appkey, 2 the msdkkey")
	return f
}

// config is the configuration; nil: none is given.
func (f *targetFlags) config() (*config.Config, error) {
	if f.cmd.Flag("config").Value.String() == "" {
		return nil, nil
	}
	return f.load()
}

// A target is where a call goes, and the app that makes it.
type target struct {
	config.MSDK
	app msdkclient.App
}

// target puts together what flags and configuration say. appid is that of the app where it is known otherwise.
func (f *targetFlags) target(cfg *config.Config, appid string) (*target, error) {
	appid = cmp.Or(f.app, appid)
	if f.cmd.Flags().Changed("encode") && f.encode != 1 && f.encode != 2 {
		return nil, cli.Usage(f.cmd, fmt.Errorf("--encode %d: want 1 or 2", f.encode))
	}
	t := &target{MSDK: config.Default().MSDK, app: msdkclient.App{ID: appid, Encode: cmp.Or(f.encode, 1)}}
	if cfg == nil {
		if f.baseURL == "" {
			return nil, cli.Usage(f.cmd, errors.New("which platform? -c FILE or --base-url URL is needed"))
		}
		if appid == "" {
			return nil, cli.Usage(f.cmd, errors.New("which app? --app APPID is needed, or -c FILE"))
		}
		t.app.Key = os.Getenv(keyVariable)
	} else {
		app, err := f.configured(cfg, appid)
		if err != nil {
			return nil, err
		}
		t.MSDK = cfg.MSDK
		t.app = msdkclient.App{ID: app.AppID, Key: app.Key().Now().Reveal(), Encode: cmp.Or(f.encode, app.Encode)}
	}
	if f.baseURL != "" {
		t.BaseURL = f.baseURL
		if !strings.HasPrefix(f.baseURL, "https:") {
			t.CAFile = "" // which is for https alone
		}
	}
	if f.keyFile != "" {
		text, err := plaintext.ReadFile(f.keyFile, maxKeyFile)
		if err != nil {
			return nil, fmt.Errorf("--key-file %s: %w", f.keyFile, err)
		}
		t.app.Key = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	}
	if t.app.Key == "" {
		return nil, cli.Usage(f.cmd, fmt.Errorf("which key? --key-file FILE is needed, or the environment variable %s, or -c FILE", keyVariable))
	}
	return t, nil
}

// configured is an app of the configuration; with no appid the only one.
func (f *targetFlags) configured(cfg *config.Config, appid string) (*config.App, error) {
	if appid == "" && len(cfg.Apps) == 1 {
		return &cfg.Apps[0], nil
	}
	known := appIDs(cfg)
	i := slices.Index(known, appid)
	switch {
	case i >= 0:
		return &cfg.Apps[i], nil
	case appid == "":
		return nil, cli.Usage(f.cmd, fmt.Errorf("which app? --app APPID is needed: %s", strings.Join(known, ", ")))
	}
	return nil, cli.Usage(f.cmd, fmt.Errorf("app %q is not in the configuration: want %s%s", appid, strings.Join(known, ", "), cli.Suggestion(appid, known)))
}

func appIDs(cfg *config.Config) (ids []string) {
	for _, app := range cfg.Apps {
		ids = append(ids, app.AppID)
	}
	return ids
}

// client makes the calls to the target.
func (t *target) client() (*msdkclient.Client, error) {
	return msdkclient.New(msdkclient.Config{
		BaseURL: t.BaseURL, Timeout: t.Timeout, ContentType: t.ContentType, MaxConns: 1, CAFile: t.CAFile,
	}, msdkclient.WithUserAgent(cli.ThisVersion().UserAgent("battlereport")))
}
