package msdkclient

import "context"

// UploadPictureRequest is the body of /share/upload_wx.
type UploadPictureRequest struct {
	// Flag is 1: Secret proves who calls. The [Client] sends it for 0.
	Flag int `json:"flag" required:"true" enum:"1"`
	// AppID is the app's. Empty: that of the [App] of the call.
	AppID string `json:"appid" required:"true"`
	// Secret is the appkey. Empty: the Key of the [App] of the call, if that is one (Encode 1).
	Secret string `json:"secret" required:"true" want:"the appkey"`
	// AccessToken is empty.
	AccessToken string `json:"access_token"`
	// Type of the media: "thumb". The [Client] sends it for "".
	Type string `json:"type" required:"true" enum:"thumb"`
	// FileName is what the picture is called, such as "b.jpg".
	FileName string `json:"filename" required:"true"`
	// FileLength is the size of the picture in bytes, 65536 at most. The [Client] counts Picture for 0.
	FileLength int64 `json:"filelength" required:"true" min:"1" max:"65536"`
	// ContentType of the picture, such as "image/jpeg" or "image/jpg".
	ContentType string `json:"content_type" required:"true" pattern:"^image/[A-Za-z0-9.+-]+$" want:"the type of a picture, such as image/jpeg"`
	// Binary is the picture, percent-encoded as RFC 3986 has it: a blank is %20, a plus %2B. The [Client] makes it of Picture
	// if it is empty.
	Binary Percent `json:"binary" required:"true"`
	// Picture is the picture's bytes, for Binary and FileLength.
	Picture []byte `json:"-"`
}

// UploadPictureResponse is the answer to /share/upload_wx. The documented expire is to be ignored, and left out here.
type UploadPictureResponse struct {
	Status
	// Type of the media: "thumb".
	Type string `json:"type"`
	// MediaID is for [ShareMessageRequest.ThumbMediaID].
	MediaID string `json:"media_id" required:"true"`
	// CreatedAt is when the picture came, in Unix seconds, as a string.
	CreatedAt string `json:"created_at"`
	// AccessToken is the one that the platform has used.
	AccessToken string `json:"access_token"`
}

// UploadPicture trades a picture of at most 64 KiB for a media id: POST /share/upload_wx (interface document, 3.2.1). One
// upload does for all messages with that picture; for the app's own icon none is needed. The URL names no user. A non-nil
// error is an [*Error].
func (c *Client) UploadPicture(ctx context.Context, app App, r UploadPictureRequest) (*UploadPictureResponse, error) {
	r.fill(app)
	return do[UploadPictureResponse](ctx, c, callUploadPicture, app, "", r, r.Secret, r.AccessToken)
}

func (r UploadPictureRequest) check() error {
	picture, err := r.Binary.Decode()
	if err != nil {
		return &FieldError{Field: "binary", Value: err.Error(), Want: "percent-encoding by RFC 3986, in which a blank is %20 and a plus %2B"}
	}
	if r.FileLength != int64(len(picture)) {
		return &FieldError{Field: "filelength", Value: itoa(r.FileLength), Want: "the size of the picture, " + itoa(int64(len(picture)))}
	}
	return nil
}

// ShareMessageRequest is the body of /share/wx.
type ShareMessageRequest struct {
	// AppID is the app's, which editions later than those we know take too. The [Client] leaves it out if it is empty.
	AppID string `json:"appid,omitempty"`
	// OpenID is the user who sends.
	OpenID string `json:"openid" required:"true"`
	// FriendOpenID is the user who receives: a friend who plays the same game.
	FriendOpenID string `json:"fopenid" required:"true"`
	// AccessToken is that of the user who sends.
	AccessToken string `json:"access_token" required:"true"`
	// ExtInfo is handed to the game when the message is opened: 2048 bytes at most.
	ExtInfo string `json:"extinfo" maxBytes:"2048"`
	// Title of the message.
	Title string `json:"title" required:"true"`
	// Description is the message's text.
	Description string `json:"description"`
	// MediaTagName sorts messages, for statistics.
	MediaTagName string `json:"media_tag_name"`
	// ThumbMediaID is the picture, by its [UploadPictureResponse.MediaID]. Empty: the app's icon.
	ThumbMediaID string `json:"thumb_media_id"`
}

// ShareMessage sends a message to a friend: POST /share/wx (interface document, 3.2.2). A user is shown five a day from one
// app. A non-nil error is an [*Error].
func (c *Client) ShareMessage(ctx context.Context, app App, r ShareMessageRequest) error {
	_, err := do[Status](ctx, c, callShareMessage, app, r.OpenID, r, r.AccessToken)
	return err
}

// ShareGameMessageRequest is the body of /share/wxgame. What is shown follows from MsgType, what happens from Button.
type ShareGameMessageRequest struct {
	// AccessToken is that of the user who sends.
	AccessToken string `json:"access_token" required:"true"`
	// OpenID is the user who sends.
	OpenID string `json:"openid" required:"true"`
	// AppID is the app's. Empty: that of the [App] of the call.
	AppID string `json:"appid" required:"true"`
	// ToUser is the openid of the user who receives.
	ToUser string `json:"touser" required:"true"`
	// MsgType is "text", "image", "video" or "link"; all but "text" have their fields of TypeInfo.
	MsgType string `json:"msgtype" required:"true" enum:"text,image,video,link"`
	// Title of the message.
	Title string `json:"title" required:"true"`
	// Content is the message's text.
	Content string `json:"content" required:"true"`
	// TypeInfo is what is shown beside the text. It is missing for "text".
	TypeInfo *TypeInfo `json:"type_info,omitempty"`
	// Button is what can be done with the message.
	Button Button `json:"button" required:"true"`
}

// The values of MsgType.
const (
	MsgText  = "text"
	MsgImage = "image" // TypeInfo has PicURL, Width and Height
	MsgVideo = "video" // TypeInfo has PicURL, Width, Height and MediaURL
	MsgLink  = "link"  // TypeInfo has URL and IconURL
)

// TypeInfo is what a game message shows beside its text.
type TypeInfo struct {
	// PicURL is the picture's address ("image", "video").
	PicURL string `json:"picurl,omitempty"`
	// Width of the picture in pixels ("image", "video").
	Width int64 `json:"width,omitempty"`
	// Height of the picture in pixels ("image", "video").
	Height int64 `json:"height,omitempty"`
	// MediaURL is the address of the film ("video").
	MediaURL string `json:"mediaurl,omitempty"`
	// URL is where the link leads ("link").
	URL string `json:"url,omitempty"`
	// IconURL is the address of the link's picture ("link").
	IconURL string `json:"iconurl,omitempty"`
}

// Button is what can be done with a game message. See [RankButton], [WebButton] and [AppButton].
type Button struct {
	// Type is "rank" (shows the leaderboard), "web" (opens an address) or "app" (begins the game), each with the field for it.
	Type string `json:"type" required:"true" enum:"rank,web,app"`
	// Name is what stands on the button.
	Name string `json:"name" required:"true"`
	// RankView belongs to "rank".
	RankView *RankView `json:"rankview,omitempty"`
	// WebView belongs to "web".
	WebView *WebView `json:"webview,omitempty"`
	// App belongs to "app".
	App *AppView `json:"app,omitempty"`
}

// RankView is the leaderboard that a button shows.
type RankView struct {
	// Title of the leaderboard.
	Title string `json:"title"`
	// ButtonName is what stands on the button that begins the game.
	ButtonName string `json:"button_name"`
	// MessageExt is handed to the game when it is begun.
	MessageExt string `json:"message_ext"`
}

// WebView is the page that a button opens.
type WebView struct {
	// URL of the page.
	URL string `json:"url" required:"true"`
}

// AppView is the game that a button begins.
type AppView struct {
	// MessageExt is handed to the game when it is begun.
	MessageExt string `json:"message_ext"`
}

// RankButton shows the leaderboard.
func RankButton(name string, v RankView) Button {
	return Button{Type: "rank", Name: name, RankView: &v}
}

// WebButton opens url.
func WebButton(name, url string) Button {
	return Button{Type: "web", Name: name, WebView: &WebView{url}}
}

// AppButton begins the game, which is handed messageExt.
func AppButton(name, messageExt string) Button {
	return Button{Type: "app", Name: name, App: &AppView{messageExt}}
}

// ShareGameMessage sends a message that is shown in the game center: POST /share/wxgame (interface document, 3.2.3, which
// says that it is not open to all). A non-nil error is an [*Error].
func (c *Client) ShareGameMessage(ctx context.Context, app App, r ShareGameMessageRequest) error {
	r.fill(app)
	_, err := do[Status](ctx, c, callShareGameMessage, app, r.OpenID, r, r.AccessToken)
	return err
}

func (r ShareGameMessageRequest) check() error {
	info := r.TypeInfo
	if info == nil {
		info = &TypeInfo{}
	}
	picture := []need{{"type_info.picurl", info.PicURL != ""}, {"type_info.width", info.Width > 0}, {"type_info.height", info.Height > 0}}
	var needs []need
	switch r.MsgType {
	case MsgImage:
		needs = picture
	case MsgVideo:
		needs = append(picture, need{"type_info.mediaurl", info.MediaURL != ""})
	case MsgLink:
		needs = []need{{"type_info.url", info.URL != ""}, {"type_info.iconurl", info.IconURL != ""}}
	}
	if err := missing("msgtype "+r.MsgType, needs...); err != nil {
		return err
	}
	b := r.Button
	return missing("button.type "+b.Type,
		need{"button.rankview", b.Type != "rank" || b.RankView != nil},
		need{"button.webview", b.Type != "web" || b.WebView != nil},
		need{"button.app", b.Type != "app" || b.App != nil})
}
