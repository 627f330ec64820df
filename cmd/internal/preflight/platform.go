package preflight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/msdkclient"
)

const (
	// nobody is a player, and a token, that there is not: what the platform says of them says whether it took the
	// signature. The call reports nothing, and changes nothing.
	nobody = "battlereport-config-check"
	// atOnce bounds the calls under way.
	atOnce = 4
	// mostSkew is how far a timestamp may be off before the platform refuses it.
	mostSkew = 10 * time.Minute
	// oddSkew is how far clocks that are kept right are never apart.
	oddSkew = time.Minute
)

// checkPlatform asks the platform, in the name of each app, about a token that there is not.
func checkPlatform(ctx context.Context, cfg *config.Config, opts Options, tell func(Finding)) {
	base := Finding{Check: "platform", Subject: cfg.MSDK.BaseURL, State: Failed}
	var clock clock
	options := []msdkclient.Option{msdkclient.WithDate(clock.note)}
	if opts.DialMSDK != nil {
		options = append(options, msdkclient.WithDialContext(opts.DialMSDK))
	}
	client, err := msdkclient.New(msdkclient.Config{
		BaseURL: cfg.MSDK.BaseURL, Timeout: min(cfg.MSDK.Timeout, 2*perQuestion), ContentType: cfg.MSDK.ContentType, MaxConns: atOnce, CAFile: cfg.MSDK.CAFile,
	}, options...)
	if err != nil {
		base.Found = err.Error()
		tell(base)
		return
	}
	defer client.Close()
	way := ""
	if proxy, err := msdkclient.ProxyFor(cfg.MSDK.BaseURL, os.Getenv); err == nil && proxy != nil && opts.DialMSDK == nil {
		way = ", through proxy " + proxy.String()
	}
	answers := ask(ctx, client, cfg.Apps)
	silent := 0
	for _, err := range answers {
		if !answered(err) {
			silent++
		}
	}
	base.State, base.Found = OK, "answers"+way
	if silent == len(answers) {
		base.State, base.Found, base.Do = unanswered(answers[0])
		base.Found += way
	}
	tell(base)
	clock.check(tell)
	for i, app := range cfg.Apps {
		if silent < len(answers) {
			tell(verdict(i, &app, answers[i], &clock))
		}
	}
}

// ask makes a call for each app, and returns what came of it.
func ask(ctx context.Context, client *msdkclient.Client, apps []config.App) []error {
	answers := make([]error, len(apps))
	turn := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, app := range apps {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			answers[i] = client.CheckToken(ctx, msdkclient.App{ID: app.AppID, Key: app.AppKey.Reveal(), Encode: app.Encode}, msdkclient.CheckTokenRequest{AccessToken: nobody, OpenID: nobody})
		})
	}
	wg.Wait()
	return answers
}

// answered tells that an answer of the platform has come, and not of something else.
func answered(err error) bool {
	e := new(msdkclient.Error)
	return err == nil || errors.As(err, &e) && e.HasRet
}

// unanswered says why no answer of the platform has come.
func unanswered(err error) (State, string, string) {
	e := new(msdkclient.Error)
	errors.As(err, &e)
	var (
		name      *net.DNSError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		plain     tls.RecordHeaderError
	)
	do := "see msdk.base_url, and whether a firewall lets connections through"
	switch {
	case e.HTTPStatus != 0:
		return Failed, fmt.Sprintf("answers HTTP %d, and not as the platform does", e.HTTPStatus), "see msdk.base_url: its path, and what else answers there"
	case errors.As(err, &name):
		do = "see the host in msdk.base_url, and the resolver of this machine"
	case errors.As(err, &authority):
		do = "msdk.ca_file has to name the authority, if a gateway looks into TLS"
	case errors.As(err, &host):
		do = "name the host in msdk.base_url as its certificate does"
	case errors.As(err, &plain):
		do = "it does not speak TLS: see the scheme and the port of msdk.base_url"
	case errors.Is(err, context.DeadlineExceeded):
		do = "see msdk.timeout, and whether a firewall lets packets through"
	case e.Class == msdkclient.AppClass, e.Class == msdkclient.Endpoint:
		do = "see the proxy that HTTPS_PROXY or HTTP_PROXY names, and what NO_PROXY excepts"
	}
	why := err
	if e.Err != nil {
		why = e.Err
	}
	return Failed, fmt.Sprintf("cannot be reached: %v", why), do
}

const wrongSignature = -502 // of the access layer

// verdict says what the answer tells of an app.
func verdict(i int, app *config.App, err error, clock *clock) Finding {
	f := Finding{Check: "app", Subject: app.AppID, State: OK, Found: "the platform takes its signature"}
	e := new(msdkclient.Error)
	if !errors.As(err, &e) {
		return f
	}
	key := fmt.Sprintf("apps[%d].appkey", i)
	if app.AppKeyFile != "" {
		key += "_file"
	}
	switch {
	case !e.HasRet:
		f.State, f.Found, f.Do = unanswered(err)
		return f
	case e.Class == msdkclient.User, e.Class == msdkclient.Record: // of nobody's token
		return f
	case e.Ret == wrongSignature:
		f.Do = fmt.Sprintf("see %s, and whether it is the appkey (encode: 1) or the msdkkey (encode: 2)", key)
		if skew, known := clock.skew(); known && skew.Abs() >= mostSkew {
			f.Do = "set the clock of this machine first; then " + f.Do
		}
	case e.Class == msdkclient.Retry, e.Class == msdkclient.Throttle:
		f.State, f.Found, f.Do = Warning, "the platform has trouble of its own: "+err.Error(), "try again later"
		return f
	default:
		f.Do = fmt.Sprintf("battlereport msdk explain %d says more", e.Ret)
	}
	f.State, f.Found = Failed, err.Error()
	return f
}

// clock is how far the platform's is ahead of ours. It is safe for concurrent use.
type clock struct {
	mu    sync.Mutex
	known bool
	ahead time.Duration
}

func (c *clock) note(written time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.ahead = true, time.Until(written)
}

func (c *clock) skew() (ahead time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead, c.known
}

// check says how far the clocks are apart: the signature holds the time.
func (c *clock) check(tell func(Finding)) {
	ahead, known := c.skew()
	if !known {
		return
	}
	f := Finding{Check: "clock", Subject: "this machine", State: OK, Found: "is right, by that of who answers for the platform"}
	way := "behind"
	if ahead < 0 {
		way = "ahead of"
	}
	off := fmt.Sprintf("is %s %s that of who answers for the platform", words.Span(ahead.Abs().Round(time.Minute)), way)
	switch {
	case ahead.Abs() >= mostSkew:
		f.State, f.Found, f.Do = Failed, off+", which refuses what is signed more than 10m off", "set it, by NTP"
	case ahead.Abs() >= oddSkew:
		f.State, f.Found, f.Do = Warning, off, "set it, by NTP: from 10m on every call is refused"
	}
	tell(f)
}
