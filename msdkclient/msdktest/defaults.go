package msdktest

import (
	"fmt"
	"sync"
)

// The popular user of [DefaultConfig] and how many friends it has.
const (
	PopularOpenID  = "popular"
	PopularFriends = 5000
)

// DefaultConfig is a platform with two games. The first has the users that the interface document's examples tell of, a
// hundred that are made up, and one with [PopularFriends] friends; the second has a hundred of its own.
//
//	appid               appkey      msdkkey       users
//	wxcde873f99466f74a  game-appkey game-msdkkey  oGRTijrV0l67hDGN7dstOl8CphN0 …, player1 … player100, popular, fan1 … fan5000
//	wx6f15c6c03a84433d  next-appkey next-msdkkey  player1 … player100
func DefaultConfig() Config {
	return Config{Apps: []App{
		{ID: "wxcde873f99466f74a", AppKey: "game-appkey", MSDKKey: "game-msdkkey", Users: firstUsers()},
		{ID: "wx6f15c6c03a84433d", AppKey: "next-appkey", MSDKKey: "next-msdkkey", Users: Users(2, 100)},
	}}
}

// firstUsers are made once: they are many, and nobody changes them.
var firstUsers = sync.OnceValue(func() []User {
	users := append(documentedUsers(), Users(1, 100)...)
	popular := User{
		OpenID: PopularOpenID, NickName: "Everybody's friend", Sex: 2, Country: "CN", Language: "zh_CN",
		UnionID: "union-popular", Privilege: []string{}, VIPLevel: 7, VIPScore: 777,
	}
	fans := Users(3, PopularFriends)
	for i := range fans {
		fans[i].OpenID, fans[i].Friends = fmt.Sprintf("fan%d", i+1), nil
		popular.Friends = append(popular.Friends, fans[i].OpenID)
	}
	return append(append(users, popular), fans...)
})

// documentedUsers are those of the interface document's examples.
func documentedUsers() []User {
	five := []string{
		"oy6-ljl-aYH1tl3L2clpVhhVXHtY", "oy6-ljtb1PKnNtRKlouJAj952hlg", "oy6-ljqJeurpVex1kyRAZl5blq3U",
		"oy6-ljrzoW6jjxS2jI2LHZvGdsqA", "oy6-ljoHSdnupQFMgHNTWoqSXXVg",
	}
	users := []User{
		{
			OpenID: "oGRTijrV0l67hDGN7dstOl8CphN0", NickName: "Hunter", Sex: 1, Province: "Guangdong", City: "Shenzhen",
			Picture: "http://wx.qlogo.cn/mmhead/RpIhxf6qwjeF1QA6YxVvE8El3ySJHWCJia63TePjLSIc",
			UnionID: "o1A_BjhwQHB2BUyasZ_Lb2rkkOpE", GPSCity: "Shenzhen", VIPLevel: 1, VIPScore: 310,
			Friends: append([]string{"oGRTijlTxQPrvr-H5-pgoZMhZgog", "oGRTijiaT-XrbyXKozckdNHFgPyc"}, five...),
		},
		{OpenID: "oGRTijlTxQPrvr-H5-pgoZMhZgog", NickName: "WeGame test", Sex: 2, City: "Zhongshan"},
		{OpenID: "oGRTijiaT-XrbyXKozckdNHFgPyc", NickName: "Asks for friends", Friends: five},
		{
			OpenID: five[0], NickName: "ufo", Sex: 1, City: "Shenzhen",
			Picture: "http://wx.qlogo.cn/mmhead/LwcbhAmMnZBAqZyUkv1z3qJibczZRdrZRkTgcNnqKqovicmDxLmyffdQ",
		},
		{OpenID: five[1], NickName: "联通test", Sex: 2, Privilege: []string{"chinaunicom"}},
		{
			OpenID: five[2], NickName: "ila", Sex: 2,
			Picture: "http://wx.qlogo.cn/mmhead/Q3auHgzwzM5wrVe0CbkibUDWDvJpgzt1W4QicbXF09SPo1rLO8Glff5Q",
		},
		{
			OpenID: five[3], NickName: "KDS陈小亮", Sex: 1, City: "Yangpu",
			Picture: "http://wx.qlogo.cn/mmhead/HS9jXWzBezdQrNojlmPvvQlwhGJcrN923nrJCSmv2rk",
		},
		{
			OpenID: five[4], NickName: "Lewis", Sex: 1, City: "Po",
			Picture: "http://wx.qlogo.cn/mmhead/zreQPiaCicYfReYeU0sicsc92cfBdMejRFsicXK1fZibP7aM",
		},
	}
	for i := range users {
		u := &users[i]
		u.Country, u.Language = "CN", "zh_CN"
		if u.UnionID == "" {
			u.UnionID = "union-" + u.OpenID
		}
		if u.Privilege == nil {
			u.Privilege = []string{}
		}
	}
	return users
}
