package msdktest

import (
	"strconv"

	"github.com/battlereport/battlereport/msdkclient"
)

func (v *visit) friendsProfile() (any, Answer) {
	b := v.body.(*msdkclient.FriendsProfileRequest)
	p, refusal := v.user(b.AccessToken, b.OpenID)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	openids := p.shown(v.now)
	profiles := make([]msdkclient.Profile, len(openids))
	for i, openid := range openids {
		profiles[i] = v.app.users[openid].profile()
	}
	return msdkclient.ProfilesResponse{
		Status: v.status(), Profiles: profiles, Privilege: p.Privilege, Country: p.Country, Language: p.Language,
	}, Answer{}
}

func (v *visit) profiles() (any, Answer) {
	b := v.body.(*msdkclient.ProfilesRequest)
	asks, refusal := v.userOf(b.AccessToken)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	answer := msdkclient.ProfilesResponse{
		Status: v.status(), Profiles: make([]msdkclient.Profile, len(b.OpenIDs)), Country: asks.Country, Language: asks.Language,
	}
	for i, openid := range b.OpenIDs {
		p := v.app.users[openid]
		if p == nil {
			return nil, v.refuse(40031, "app "+v.AppID+" has no user "+clip(openid))
		}
		if i == 0 {
			answer.Privilege = p.Privilege
		}
		answer.Profiles[i] = p.profile()
		answer.Profiles[i].Country, answer.Profiles[i].Language = p.Country, p.Language
	}
	return answer, Answer{}
}

func (v *visit) listFriends() (any, Answer) {
	b := v.body.(*msdkclient.FriendsRequest)
	p, refusal := v.user(b.AccessToken, b.OpenID)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	return msdkclient.FriendsResponse{Status: v.status(), OpenIDs: p.shown(v.now)}, Answer{}
}

func (v *visit) userInfo() (any, Answer) {
	b := v.body.(*msdkclient.UserInfoRequest)
	p, refusal := v.user(b.AccessToken, b.OpenID)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	return msdkclient.UserInfoResponse{
		Status:    v.status(),
		NickName:  p.NickName,
		Picture:   msdkclient.PictureURL(p.Picture.Size(0)), // here it comes with its size, the original one
		Province:  p.Province,
		City:      p.City,
		Country:   p.Country,
		Sex:       p.Sex,
		UnionID:   p.UnionID,
		Privilege: p.Privilege,
		Language:  p.Language,
		GPSCity:   p.GPSCity,
		OpenID:    p.OpenID,
	}, Answer{}
}

func (p *person) profile() msdkclient.Profile {
	return msdkclient.Profile{
		NickName: p.NickName,
		Sex:      p.Sex,
		Picture:  p.Picture,
		Province: p.Province,
		City:     p.City,
		OpenID:   p.OpenID,
	}
}

func (v *visit) vip() (any, Answer) {
	b := v.body.(*msdkclient.VIPRequest)
	p, refusal := v.user(b.AccessToken, b.OpenID)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	infos := []msdkclient.VIPInfo{p.vipInfo()}
	for _, openid := range p.shown(v.now) {
		infos = append(infos, v.app.users[openid].vipInfo())
	}
	return msdkclient.VIPResponse{Status: v.status(), Data: msdkclient.VIPData{Users: infos}}, Answer{}
}

func (p *person) vipInfo() msdkclient.VIPInfo {
	return msdkclient.VIPInfo{
		OpenID: p.OpenID,
		Level:  p.VIPLevel,
		Score:  p.VIPScore,
		Nick:   "VIP" + strconv.FormatInt(p.VIPLevel, 10),
	}
}
