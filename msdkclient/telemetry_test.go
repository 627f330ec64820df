package msdkclient_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	. "github.com/battlereport/battlereport/msdkclient"
)

// What must not be told, of calls by everyCall.
const (
	user, friend    = "oGRTijrV0l67hDGN7dstOl8CphN0", "oGRTijlTxQPrvr-H5-pgoZMhZgog"
	access, refresh = "OezXcEiiBSKSxW0eoylIeLl3C6OgXeyrDnh", "mVjRDCn2PMbOCtSDPhnSzUhL3VnbJ9I8oZ6"
)

// everyCall makes each of the twelve calls.
func everyCall(ctx context.Context, c *Client, app App) map[string]error {
	_, refreshed := c.RefreshToken(ctx, app, RefreshTokenRequest{OpenID: user, RefreshToken: refresh})
	_, uploaded := c.UploadPicture(ctx, app, UploadPictureRequest{FileName: "b.jpg", ContentType: "image/jpeg", Picture: []byte("x"), Secret: app.Key, AccessToken: access})
	_, friends := c.Friends(ctx, app, FriendsRequest{OpenID: user, AccessToken: access})
	_, profiles := c.Profiles(ctx, app, ProfilesRequest{OpenID: user, AccessToken: access, OpenIDs: []string{friend}})
	_, theirs := c.FriendsProfile(ctx, app, FriendsProfileRequest{OpenID: user, AccessToken: access})
	_, info := c.UserInfo(ctx, app, UserInfoRequest{OpenID: user, AccessToken: access})
	_, vip := c.VIP(ctx, app, VIPRequest{OpenID: user, AccessToken: access, Query: VIPQuery{OpType: 1}})
	return map[string]error{
		PathRefreshToken:  refreshed,
		PathCheckToken:    c.CheckToken(ctx, app, CheckTokenRequest{OpenID: user, AccessToken: access}),
		PathUploadPicture: uploaded,
		PathShareMessage: c.ShareMessage(ctx, app, ShareMessageRequest{
			OpenID: user, FriendOpenID: friend, AccessToken: access, Title: "t",
		}),
		PathShareGameMessage: c.ShareGameMessage(ctx, app, ShareGameMessageRequest{
			OpenID: user, ToUser: friend, AccessToken: access, MsgType: MsgText, Title: "t", Content: "c", Button: AppButton("b", ""),
		}),
		PathFriendsProfile: theirs,
		PathProfiles:       profiles,
		PathFriends:        friends,
		PathUserInfo:       info,
		PathReportScore:    c.ReportScore(ctx, app, ReportScoreRequest{OpenID: user, Score: "7"}),
		PathReportBattle: c.ReportBattle(ctx, app, ReportBattleRequest{
			OpenID: user, Battles: Battles{{BaseInfo: BaseInfo{OpenID: user}}, {BaseInfo: BaseInfo{OpenID: friend}}},
		}),
		PathVIP: vip,
	}
}

// success is an answer that each call takes for a good one.
const success = `{"ret":0,"msg":"success","accessToken":"` + access + `","refreshToken":"` + refresh + `","expiresIn":7200,` +
	`"openid":"` + user + `","media_id":"m","openids":["` + friend + `"]}`

func TestACollectorIsToldNoSecretAndNoUser(t *testing.T) {
	// Each is answered with all that was asked, in every place where an answer has room for it.
	echo := func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		return fmt.Sprintf("%s %s %s %s", r.RequestURI, body, r.Header.Get("Proxy-Authorization"), testApp.Key)
	}
	hijack := func(w http.ResponseWriter, text string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
	for how, tt := range map[string]struct {
		answer http.HandlerFunc
		class  string // of all twelve; empty: success
		status int64
		ret    int64
	}{
		"taken": {answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, success) }, status: 200},
		"refused": {answer: func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"ret":-1011,"msg":%s}`, mustJSON(echo(r)))
		}, class: "record", status: 200, ret: -1011},
		"refused by the platform behind": {answer: func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"ret":-20000,"msg":%s}`, mustJSON("45009,"+echo(r)))
		}, class: "throttle", status: 200, ret: -20000},
		"in trouble": {answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Asked", r.RequestURI)
			http.Error(w, echo(r), http.StatusBadGateway)
		}, class: "retry", status: 502},
		"led elsewhere": {answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		}, class: "endpoint", status: 302},
		"mistaken for another": {answer: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ret":0,"msg":"`+user+`","msdkExtInfo":"`+user+`"}`)
		}, class: "retry", status: 200},
		"unreadable": {answer: func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, echo(r)) }, class: "retry", status: 200},
		"packed otherwise": {answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", user)
			_, _ = io.WriteString(w, echo(r))
		}, class: "retry", status: 200},
		"no HTTP":         {answer: func(w http.ResponseWriter, r *http.Request) { hijack(w, echo(r)+"\r\n\r\n") }, class: "retry"},
		"of another HTTP": {answer: func(w http.ResponseWriter, r *http.Request) { hijack(w, "HTTP/1.1 200 OK\r\n"+echo(r)+"\r\n\r\n") }, class: "retry"},
		"cut off": {answer: func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"+access)
		}, class: "retry", status: 200},
		"reset":            {answer: func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") }, class: "retry"},
		"given up waiting": {answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, class: "retry"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Traceparent") != "" || r.Header.Get("Baggage") != "" {
					t.Error("the platform is told of the trace")
				}
				if how == "given up waiting" {
					_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the client is gone
				}
				tt.answer(w, r)
			}))
			t.Cleanup(platform.Close)
			watch := newWatch(t)
			cfg := DefaultConfig()
			cfg.BaseURL = platform.URL
			if how == "given up waiting" {
				cfg.Timeout = 50 * time.Millisecond
			}
			watch.calls(t, watch.client(t, cfg), tt.class)
			for _, s := range watch.collector.spans {
				if got := s.Attributes; number(got, "http.response.status_code") != tt.status || number(got, "msdk.ret") != tt.ret {
					t.Errorf("%s: %v, want status %d and ret %d", s.Name, got, tt.status, tt.ret)
				}
			}
		})
	}
	t.Run("by a proxy that refuses", func(t *testing.T) {
		t.Parallel()
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, echo(r), http.StatusProxyAuthRequired)
		}))
		t.Cleanup(proxy.Close)
		for _, base := range []string{"https://msdk.example", "http://msdk.example"} {
			watch := newWatch(t)
			cfg := DefaultConfig()
			cfg.BaseURL = base
			watch.calls(t, watch.client(t, cfg, WithProxy(parseProxy(t, "me:hunter2@"+proxy.Listener.Addr().String()))), "endpoint")
		}
	})
	t.Run("by a proxy that is not there", func(t *testing.T) {
		t.Parallel()
		watch := newWatch(t)
		watch.calls(t, watch.client(t, DefaultConfig(), WithProxy(parseProxy(t, "me:hunter2@127.0.0.1:1"))), "retry")
	})
	t.Run("by a transport of the caller's that tells all", func(t *testing.T) {
		t.Parallel()
		watch := newWatch(t)
		watch.calls(t, watch.client(t, DefaultConfig(), WithTransport(tripper(func(r *http.Request) (*http.Response, error) {
			return nil, errors.New(r.URL.String() + echo(r))
		}))), "retry")
	})
}

func parseProxy(t *testing.T, rawURL string) *Proxy {
	t.Helper()
	p, err := ParseProxy(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// watch is a collector that is told of calls.
type watch struct {
	collector *collector
	opts      []Option
	tracers   *sdktrace.TracerProvider
	flush     func()
}

func newWatch(t *testing.T) *watch {
	t.Helper()
	w := &watch{collector: newCollector(t)}
	tracers, meters, flush := w.collector.providers(t)
	w.tracers, w.flush = tracers, flush
	w.opts = []Option{WithTracerProvider(tracers), WithMeterProvider(meters)}
	return w
}

func (w *watch) client(t *testing.T, cfg Config, opts ...Option) *Client {
	t.Helper()
	c, err := New(cfg, append(opts, w.opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// calls makes the twelve calls, all of which end with the class, and looks at what the collector was told.
func (w *watch) calls(t *testing.T, c *Client, class string) {
	t.Helper()
	began := time.Now().Unix()
	for path, err := range everyCall(t.Context(), c, testApp) {
		if class == "" && err != nil || class != "" && asError(t, err).Class.String() != class {
			t.Errorf("%s: %v, want %s", path, err, class)
		}
	}
	w.flush()
	secrets := []string{
		testApp.Key, testApp.ID, user, friend, access, refresh, "hunter2", base64.StdEncoding.EncodeToString([]byte("me:hunter2")),
	}
	for at := began; at <= time.Now().Unix(); at++ {
		secrets = append(secrets, Sign(testApp.Key, fmt.Sprint(at)))
	}
	if told := w.collector.holding(secrets...); told != "" {
		t.Error(told)
	}
	paths := map[string]bool{}
	for _, s := range w.collector.spans {
		path := text(s.Attributes, "url.template")
		paths[path] = true
		full := text(s.Attributes, "url.full")
		if s.Name != "POST "+path || s.Kind != traces.Span_SPAN_KIND_CLIENT || text(s.Attributes, "http.request.method") != "POST" ||
			text(s.Attributes, "server.address") == "" || number(s.Attributes, "server.port") == 0 ||
			text(s.Attributes, "error.type") != class || (s.Status.GetCode() == traces.Status_STATUS_CODE_ERROR) != (class != "") ||
			!strings.Contains(full, path) || !strings.Contains(full, "&sig=REDACTED&") {
			t.Errorf("%v", s)
		}
	}
	if len(paths) != 12 || len(w.collector.spans) != 12 {
		t.Errorf("%d spans, of %v", len(w.collector.spans), slices.Sorted(maps.Keys(paths)))
	}
	for _, m := range w.collector.metrics {
		calls := uint64(0)
		for _, p := range m.GetHistogram().DataPoints {
			calls += p.Count
			if text(p.Attributes, "error.type") != class || text(p.Attributes, "url.template") == "" {
				t.Errorf("%s of %v", m.Name, p.Attributes)
			}
		}
		if calls != 12 {
			t.Errorf("%s of %d calls", m.Name, calls)
		}
	}
	if n := len(w.collector.metrics); n < 2 {
		t.Errorf("%d metrics", n)
	}
}

func valueOf(attributes []*common.KeyValue, key string) *common.AnyValue {
	for _, kv := range attributes {
		if kv.Key == key {
			return kv.Value
		}
	}
	return nil
}

func text(attributes []*common.KeyValue, key string) string {
	return valueOf(attributes, key).GetStringValue()
}

func number(attributes []*common.KeyValue, key string) int64 {
	return valueOf(attributes, key).GetIntValue()
}

func TestWhatIsMeasuredIsWhatTheConventionsAsk(t *testing.T) {
	t.Parallel()
	watch := newWatch(t)
	c := watch.client(t, DefaultConfig(), WithTransport(tripper(func(r *http.Request) (*http.Response, error) {
		status := 200
		if strings.Contains(r.URL.Path, "battle") {
			status = 999 // whatever that is
		}
		return reply(status, `{"ret":0}`), nil
	})))
	ctx, parent := watch.tracers.Tracer("game").Start(t.Context(), "round")
	if err := c.ReportScore(ctx, testApp, aScore); err != nil {
		t.Fatal(err)
	}
	asError(t, c.BattleReport(ctx, testApp, "o1", report))
	asError(t, c.ReportScore(ctx, App{ID: "G_1", Key: "k", Encode: 1}, aScore)) // which is no attempt
	parent.End()
	watch.flush()
	id := parent.SpanContext().SpanID()
	if s := watch.collector.spans; len(s) != 3 || string(s[0].ParentSpanId) != string(id[:]) || number(s[1].Attributes, "http.response.status_code") != 999 {
		t.Errorf("%v", s)
	}
	want := map[string]string{
		"http.client.request.duration":   "s [0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10]",
		"http.client.request.body.size":  "By [64 256 1024 4096 16384 65536 262144 1.048576e+06 4.194304e+06]",
		"http.client.response.body.size": "By [64 256 1024 4096 16384 65536 262144 1.048576e+06 4.194304e+06]",
	}
	got := map[string]string{}
	for _, m := range watch.collector.metrics {
		points := m.GetHistogram().DataPoints
		got[m.Name] = fmt.Sprint(m.Unit, " ", points[0].ExplicitBounds)
		of := map[string]int64{}
		for _, p := range points {
			of[text(p.Attributes, "url.template")] = number(p.Attributes, "http.response.status_code")
			if text(p.Attributes, "server.address") != "msdk.tencent-cloud.net" || number(p.Attributes, "server.port") != 443 ||
				text(p.Attributes, "http.request.method") != "POST" {
				t.Errorf("%s of %v", m.Name, p.Attributes)
			}
		}
		if wantOf := map[string]int64{PathReportScore: 200, PathReportBattle: 0}; !maps.Equal(of, wantOf) { // labels are bounded
			t.Errorf("%s of statuses %v, want %v", m.Name, of, wantOf)
		}
		if m.Name == "http.client.response.body.size" && *points[0].Sum != 9 {
			t.Errorf("%v bytes in an answer of 9", *points[0].Sum)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}
