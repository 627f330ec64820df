package openapi

import "github.com/battlereport/battlereport/msdkclient"

// code is a [msdkclient.Meaning].
type code struct {
	Layer     string `json:"layer"`
	Code      int    `json:"code"`
	Class     string `json:"class"`
	UserClass string `json:"userClass"`
	Handling  string `json:"handling"`
	Meaning   string `json:"meaning"`
}

func codes() (all []code) {
	for _, m := range msdkclient.Codes() {
		all = append(all, code{m.Layer, m.Code, m.Class.String(), m.UserClass.String(), m.Handling.String(), m.Text})
	}
	return all
}
