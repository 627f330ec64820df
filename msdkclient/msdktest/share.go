package msdktest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// messagesADay is how many messages of an app a user is shown in a day (interface document, 3.2.2, by a later edition).
const messagesADay = 5

// china is where the platform's days begin.
var china = time.FixedZone("UTC+8", 8*60*60)

// uploadPicture keeps what there is to say of a picture. The same picture has the same media id.
func (v *visit) uploadPicture() (any, Answer) {
	b := v.body.(*msdkclient.UploadPictureRequest)
	switch b.Secret {
	case v.keys.AppKey:
	case v.keys.MSDKKey:
		return nil, v.refuse(40001, "secret is the msdkkey: want the appkey")
	default:
		return nil, v.refuse(40001, "secret is not the appkey")
	}
	picture, err := b.Binary.Decode()
	if err != nil {
		panic(err) // it was checked
	}
	sum := sha256.Sum256(append([]byte(v.AppID+" "), picture...))
	m := Media{
		ID:          base64.RawURLEncoding.EncodeToString(append(sum[:], sum[:16]...)),
		FileName:    b.FileName,
		ContentType: b.ContentType,
		Bytes:       len(picture),
		Time:        v.now,
	}
	if !v.app.hasMedia(m.ID) {
		v.app.media = keepLast(v.app.media, m, maxMedia)
	}
	return msdkclient.UploadPictureResponse{
		Status:      v.status(),
		Type:        b.Type,
		MediaID:     m.ID,
		CreatedAt:   strconv.FormatInt(v.now.Unix(), 10),
		AccessToken: "at_" + v.AppID,
	}, Answer{}
}

func (v *visit) shareMessage() (any, Answer) {
	b := v.body.(*msdkclient.ShareMessageRequest)
	from, refusal := v.user(b.AccessToken, b.OpenID)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	to, refusal := v.receiver(from, b.FriendOpenID)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	if b.ThumbMediaID != "" && !v.app.hasMedia(b.ThumbMediaID) {
		return nil, v.refuse(40007, v.whyNoMedia(b.ThumbMediaID))
	}
	today := v.now.In(china).Format(time.DateOnly)
	if to.day != today {
		to.day, to.messages = today, 0
	}
	if to.messages >= messagesADay {
		return nil, v.refuse(45009, fmt.Sprintf("%s was sent %d messages of this app today; there are no more until %s",
			to.OpenID, messagesADay, stamp(nextDay(v.now))))
	}
	to.messages++
	v.send(Message{
		From: b.OpenID, To: b.FriendOpenID, Title: b.Title, Text: b.Description, ExtInfo: b.ExtInfo, MediaID: b.ThumbMediaID,
	})
	return nil, Answer{}
}

func (v *visit) shareGameMessage() (any, Answer) {
	b := v.body.(*msdkclient.ShareGameMessageRequest)
	from, refusal := v.user(b.AccessToken, b.OpenID)
	if refusal != (Answer{}) {
		return nil, refusal
	}
	if _, refusal := v.receiver(from, b.ToUser); refusal != (Answer{}) {
		return nil, refusal
	}
	v.send(Message{
		From: b.OpenID, To: b.ToUser, Type: b.MsgType, Title: b.Title, Text: b.Content, Button: b.Button.Type,
	})
	return nil, Answer{}
}

// receiver is the user a message goes to: the sender's friend, or the sender, as in the document's example.
func (v *visit) receiver(from *person, openid string) (*person, Answer) {
	to := v.app.users[openid]
	if to == from {
		return to, Answer{}
	}
	f, are := from.friendship(openid)
	switch {
	case to == nil:
		return nil, v.refuse(43005, "app "+v.AppID+" has no user "+clip(openid))
	case !are:
		return nil, v.refuse(43005, openid+" is no friend of "+from.OpenID)
	case v.now.Before(f.since):
		return nil, v.refuse(43005, openid+" is a new friend, who shows up at "+stamp(f.since))
	}
	return to, Answer{}
}

func (v *visit) send(m Message) {
	m.Time, m.Path, m.AppID = v.now, v.Path, v.AppID
	v.world.messages = keepLast(v.world.messages, m, maxMessages)
}

func (v *visit) whyNoMedia(id string) string {
	for appid, app := range v.world.apps {
		if app.hasMedia(id) {
			return "the picture was uploaded by app " + appid
		}
	}
	return "no picture was uploaded that has this media id; empty is the app's icon"
}

func nextDay(t time.Time) time.Time {
	y, m, d := t.In(china).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, china)
}

// keepLast appends, and forgets the first if there are more than most.
func keepLast[T any](list []T, next T, most int) []T {
	if len(list) >= most {
		list = append(list[:0], list[len(list)-most+1:]...)
	}
	return append(list, next)
}
