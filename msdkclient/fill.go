package msdkclient

import (
	"cmp"
	"reflect"
)

// filler is a request with fields that follow from the app, or that the document has a value for. It fills those that are
// empty.
type filler interface{ fill(app App) }

// Template is a pointer to a request of this call, such as a *[RefreshTokenRequest], in which nothing is given but what the
// method of [Client] would fill in for the app, its key included.
func (c *Call) Template(app App) any {
	request := reflect.New(c.request).Interface()
	if r, ok := request.(filler); ok {
		r.fill(app)
	}
	return request
}

func (r *RefreshTokenRequest) fill(app App)     { r.AppID = app.own(r.AppID) }
func (r *ShareGameMessageRequest) fill(app App) { r.AppID = app.own(r.AppID) }
func (r *UserInfoRequest) fill(app App)         { r.AppID = app.own(r.AppID) }
func (r *ReportBattleRequest) fill(app App)     { r.AppID = app.own(r.AppID) }

func (r *UploadPictureRequest) fill(app App) {
	r.AppID = app.own(r.AppID)
	r.Flag = cmp.Or(r.Flag, 1)
	r.Type = cmp.Or(r.Type, "thumb")
	r.Binary = cmp.Or(r.Binary, PercentEncode(r.Picture))
	r.FileLength = cmp.Or(r.FileLength, int64(len(r.Picture)))
	if app.Encode == 1 {
		r.Secret = cmp.Or(r.Secret, app.Key)
	}
}

func (r *ReportScoreRequest) fill(app App) {
	r.AppID = app.own(r.AppID)
	r.GrantType = cmp.Or(r.GrantType, "client_credential")
	r.Expires = cmp.Or(r.Expires, "0")
}

func (r *VIPRequest) fill(app App) {
	r.AppID = app.own(r.AppID)
	r.Query.OpType = cmp.Or(r.Query.OpType, 1)
}
