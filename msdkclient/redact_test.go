package msdkclient

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAURLIsShownWithoutWhatIsInIt(t *testing.T) {
	t.Parallel()
	const call = "https://msdk.example/a%2Fb/profile/wxscore/"
	for rule, tt := range map[string]struct{ url, want string }{
		"of a call, but for what says nothing": {
			call + "?timestamp=1400000000&appid=wx1&sig=96e79218965eb72c92a549dd5a330112&openid=o1&encode=1&conn=1&msdkExtInfo=AB_1",
			call + "?timestamp=1400000000&appid=REDACTED&sig=REDACTED&openid=REDACTED&encode=1&conn=1&msdkExtInfo=AB_1",
		},
		"with what is missing": {
			call + "?appid=&sig", call + "?appid=&REDACTED",
		},
		"without a user and a fragment": {
			"https://me:hunter2@msdk.example/x?conn=1#o1", "https://msdk.example/x?conn=1",
		},
		"whatever the case and the escapes of a name": {
			call + "?SIG=a1&%73ig=a2&op%65nid=a3", call + "?SIG=REDACTED&REDACTED&REDACTED",
		},
		"also where the separator is another": {
			call + "?timestamp=1;sig=a1&encode=1;openid=a2", call + "?timestamp=REDACTED&encode=REDACTED",
		},
		"also where it begins too late": {
			"https://msdk.example/x&sig=a1?conn=1", "https://msdk.example/xREDACTED?conn=1",
		},
		"also where it has no path": {"https:sig=a1", "https:REDACTED"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			if got := RedactURL(u); got != tt.want {
				t.Errorf("%s\nis shown as %s\nwant        %s", tt.url, got, tt.want)
			}
		})
	}
}

func TestNoURLIsShownWithAValueThatIsNotHarmless(t *testing.T) {
	t.Parallel()
	secrets := rapid.StringMatching(`z[0-9A-Za-z_-]{11,31}`)
	names := rapid.OneOf(
		rapid.SampledFrom([]string{
			"sig", "SIG", "%73ig", "openid", "appid", "access_token", "x", "", "a+b", "%", "ü", "timestamp", "conn", "encode",
		}),
		rapid.StringMatching(`[!-%'-~]{0,5}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		var hidden []string
		secret := func() string {
			s := secrets.Draw(t, "secret")
			hidden = append(hidden, s)
			return s
		}
		text := "https://"
		if rapid.Bool().Draw(t, "user") {
			text += secret() + ":" + secret() + "@"
		}
		text += "h" + rapid.SampledFrom([]string{"/p/?", "/p?", "?", "/p/&", "/p%3f", "/p%253F", "/p;", "/p/??", ":80/?"}).Draw(t, "path")
		for range rapid.IntRange(1, 4).Draw(t, "params") {
			text += names.Draw(t, "name") +
				rapid.SampledFrom([]string{"=", "==", "=%", "=1;sig=", "=1%26sig=", "=+", ";"}).Draw(t, "is") +
				secret() +
				rapid.SampledFrom([]string{"", "=", "%zz", "&", "&&", ";", "#"}).Draw(t, "ends")
		}
		text += rapid.SampledFrom([]string{"", "&timestamp=1", "&conn=1#"}).Draw(t, "end")
		if rapid.Bool().Draw(t, "fragment") {
			text += "#" + secret()
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Skip(err)
		}
		shown := RedactURL(u)
		for _, s := range hidden {
			if strings.Contains(shown, s) {
				t.Fatalf("%s\nis shown as %s", text, shown)
			}
		}
	})
}
