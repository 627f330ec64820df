package msdktest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// What is remembered at most.
const (
	maxMessages = 200  // of the platform
	maxMedia    = 1000 // of an app
)

// Friendship shows up, and lets messages pass, so long after it was made.
const friendshipDelay = time.Hour

// world is what the platform knows of users besides their scores. Its memory is bounded by the configuration.
type world struct {
	mu       sync.Mutex
	began    time.Time
	apps     map[string]*appWorld
	messages []Message // the last ones, the newest last
}

type appWorld struct {
	users map[string]*person
	media []Media // the last ones, the newest last
}

// person is a user of one app.
type person struct {
	*User
	friends                   []friend  // by openid
	accessGiven, refreshGiven time.Time // when the last tokens were given out; zero: when the world began
	day                       string    // of the last message
	messages                  int       // of that day
}

type friend struct {
	openid string
	since  time.Time // when it shows up
}

// Media is a picture that was uploaded. The picture itself is not kept.
type Media struct {
	ID          string    `json:"media_id"`
	FileName    string    `json:"filename"`
	ContentType string    `json:"content_type"`
	Bytes       int       `json:"bytes"`
	Time        time.Time `json:"time"`
}

// Message is one that a user was sent.
type Message struct {
	Time    time.Time `json:"time"`
	Path    string    `json:"path"` // of the call
	AppID   string    `json:"appid"`
	From    string    `json:"from"` // openids
	To      string    `json:"to"`
	Type    string    `json:"type,omitempty"` // msgtype of a game message
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	ExtInfo string    `json:"extinfo,omitempty"`
	MediaID string    `json:"media_id,omitempty"` // empty: the app's icon
	Button  string    `json:"button,omitempty"`   // its type
}

func newWorld(apps []App, now time.Time) *world {
	w := &world{began: now, apps: make(map[string]*appWorld, len(apps))}
	for _, app := range apps {
		a := &appWorld{users: make(map[string]*person, len(app.Users))}
		people := make([]person, len(app.Users))
		for i := range app.Users {
			people[i].User = &app.Users[i]
			a.users[app.Users[i].OpenID] = &people[i]
		}
		for i := range app.Users {
			for _, openid := range app.Users[i].Friends {
				if other := a.users[openid]; other != nil && other != &people[i] {
					people[i].friends = append(people[i].friends, friend{openid: openid, since: now})
					other.friends = append(other.friends, friend{openid: app.Users[i].OpenID, since: now})
				}
			}
		}
		for i := range people {
			slices.SortFunc(people[i].friends, byOpenID)
			people[i].friends = slices.CompactFunc(people[i].friends, func(a, b friend) bool { return a.openid == b.openid })
		}
		w.apps[app.ID] = a
	}
	return w
}

func byOpenID(a, b friend) int { return cmp.Compare(a.openid, b.openid) }

// befriend adds a friend. Who is one already stays it as before.
func (p *person) befriend(openid string, since time.Time) {
	i, found := slices.BinarySearchFunc(p.friends, friend{openid: openid}, byOpenID)
	if !found {
		p.friends = slices.Insert(p.friends, i, friend{openid, since})
	}
}

func (p *person) friendship(openid string) (friend, bool) {
	i, found := slices.BinarySearchFunc(p.friends, friend{openid: openid}, byOpenID)
	if !found {
		return friend{}, false
	}
	return p.friends[i], true
}

// shown are the openids of the friends who show up.
func (p *person) shown(now time.Time) []string {
	openids := make([]string, 0, len(p.friends))
	for _, f := range p.friends {
		if !now.Before(f.since) {
			openids = append(openids, f.openid)
		}
	}
	return openids
}

func (a *appWorld) hasMedia(id string) bool {
	return slices.ContainsFunc(a.media, func(m Media) bool { return m.ID == id })
}

// visit is one call in the world, which is locked meanwhile.
type visit struct {
	*Request
	world *world
	app   *appWorld
	now   time.Time
}

// carryOut does what the call asks for. What it returns is the answer's JSON object; nil: nothing but success.
func (s *Server) carryOut(r *Request) (result any, refusal Answer) {
	act := acts[r.Path]
	if act == nil { // a report, which the ledger and the leaderboard take
		return nil, Answer{}
	}
	w := s.world.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	return act(&visit{Request: r, world: w, app: w.apps[r.AppID], now: s.Now()})
}

// acts are what the calls do, by their path.
var acts = map[string]func(*visit) (any, Answer){
	msdkclient.PathRefreshToken:     (*visit).refreshToken,
	msdkclient.PathCheckToken:       (*visit).checkToken,
	msdkclient.PathUploadPicture:    (*visit).uploadPicture,
	msdkclient.PathShareMessage:     (*visit).shareMessage,
	msdkclient.PathShareGameMessage: (*visit).shareGameMessage,
	msdkclient.PathFriendsProfile:   (*visit).friendsProfile,
	msdkclient.PathProfiles:         (*visit).profiles,
	msdkclient.PathFriends:          (*visit).listFriends,
	msdkclient.PathUserInfo:         (*visit).userInfo,
	msdkclient.PathVIP:              (*visit).vip,
}

// refuse is the answer that passes an error of WeChat on, with the words of the tables and the usual cause.
func (v *visit) refuse(code int, cause string) Answer {
	m := meaning("wechat", code)
	a := refuse(-20000, fmt.Sprintf("%d,%s", code, m.Text), cause)
	a.errType = errType(v.call, m)
	return a
}

// errType is what err_type says of a code: 1 try later, 2 have the user authorise again, 3 refresh the access token. Calls
// without a user's token have none.
func errType(call *msdkclient.Call, m msdkclient.Meaning) int {
	if !call.UserToken {
		return 0
	}
	switch m.Handling {
	case msdkclient.HandlingRetry:
		return 1
	case msdkclient.HandlingReauthorize:
		return 2
	case msdkclient.HandlingRefresh:
		return 3
	}
	return 0
}

// status is that of an answer that says success.
func (v *visit) status() msdkclient.Status {
	return msdkclient.Status{Msg: "success", MSDKExtInfo: v.Serial}
}
