package aponotest_test

import (
	"encoding/json"
	"testing"

	"github.com/apono-go/apono/aponotest"
)

func TestAttributesAreReturnedAsPut(t *testing.T) {
	t.Parallel()
	server := peopleServer(t)
	const (
		engines = `{"type": "team", "value": "Engines & looms", "source_id": "00a", "source_integration_id": "idp", "source_integration_name": "People"}`
		looms   = `{"type": "team", "value": "looms"}`
		night   = `{"type": "Shift", "value": "night", "source_integration_id": "other", "source_integration_name": "Elsewhere"}`
	)
	server.Put(aponotest.Attributes, json.RawMessage(engines), json.RawMessage(looms), json.RawMessage(night), json.RawMessage(looms))
	checkResponse(t, server, "GET", attributesPath, "", 200, `{"items": [`+engines+`,`+looms+`,`+night+`,`+looms+`], "pagination": {}}`)
	checkFilters(t, server, attributesPath, "value", map[string]string{
		"?search=looms":                           "looms looms",
		"?search=*LOOMS*":                         "Engines & looms looms looms",
		"?search=eng*":                            "Engines & looms",
		"?search=team":                            "",
		"?type=Shift":                             "night",
		"?type=*":                                 "",
		"?source_integration_reference=idp":       "Engines & looms",
		"?source_integration_reference=People":    "Engines & looms",
		"?source_integration_reference=Elsewhere": "night",
		"?source_integration_reference=People&search=looms":      "",
		"?type=team&search=*n*&source_integration_reference=idp": "Engines & looms",
	})
}
