package msdktest

import (
	"fmt"
	"math/rand/v2"

	"github.com/battlereport/battlereport/msdkclient"
)

// User is a user of an app. Openids are an app's own: a user of two apps is a user of each.
type User struct {
	OpenID    string                `json:"openid"`
	NickName  string                `json:"nickname"`
	Sex       msdkclient.Sex        `json:"sex"`
	Picture   msdkclient.PictureURL `json:"picture"`
	Province  string                `json:"province"`
	City      string                `json:"city"`
	Country   string                `json:"country"`
	Language  string                `json:"language"`
	GPSCity   string                `json:"gpsCity,omitempty"`
	UnionID   string                `json:"unionid"`
	Privilege []string              `json:"privilege"`
	VIPLevel  int64                 `json:"vip_level"` // 0: none
	VIPScore  int64                 `json:"vip_score"`
	Friends   []string              `json:"friends"` // openids; to be named by one of the two is enough
}

var (
	nickNames = []string{"Ann", "小明", "ハント", "Lewis", "Zoë", "联通test", "Ada <3 & \"co\"", "KDS陈小亮", "ufo", "Bo"}
	places    = []struct{ province, city string }{
		{"Guangdong", "Shenzhen"}, {"Guangdong", "Zhongshan"}, {"Shanghai", "Yangpu"}, {"", ""}, {"Beijing", "Haidian"},
	}
)

// Users makes n users, player1, player2, …, who are friends of a few of each other. The same seed makes the same ones.
func Users(seed uint64, n int) []User {
	random := rand.New(rand.NewPCG(seed, 0))
	users := make([]User, n)
	for i := range users {
		place := places[random.IntN(len(places))]
		level := int64(random.IntN(8))
		u := User{
			OpenID:    fmt.Sprintf("player%d", i+1),
			NickName:  nickNames[random.IntN(len(nickNames))],
			Sex:       msdkclient.Sex(random.IntN(3)),
			Picture:   msdkclient.PictureURL(fmt.Sprintf("http://wx.qlogo.cn/mmhead/%016x", random.Uint64())),
			Province:  place.province,
			City:      place.city,
			Country:   "CN",
			Language:  "zh_CN",
			UnionID:   fmt.Sprintf("union%016x", random.Uint64()),
			Privilege: []string{},
			VIPLevel:  level,
			VIPScore:  100*level + int64(random.IntN(100)),
		}
		if random.IntN(10) == 0 {
			u.Privilege = []string{"chinaunicom"}
		}
		for range min(i, 4) {
			u.Friends = append(u.Friends, users[random.IntN(i)].OpenID)
		}
		users[i] = u
	}
	return users
}
