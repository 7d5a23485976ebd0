package aponotest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const (
	smallReport = `"name": "small", "filters": {}, "timeframe": {"absolute": {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-31T23:59:59.999+02:00"}}`
	bigReport   = `"name": " All  of it ", "fields": ["status", "request_id", "status", "mine"], "format": "pdf",
		"filters": {
			"requestor_source_ids": ["b", "a"], "grantee_source_ids": [], "grantee_identity_types": ["USER"], "integration_ids": ["none"],
			"permission_names": ["p"], "resource_ids": ["r"], "resource_types": ["t"], "statuses": ["s"], "trigger_types": ["y"], "access_flow_ids": ["f"]
		},
		"timeframe": {"relative": {"last": 7, "unit": "day", "rounded": false}},
		"schedule": {"cron_expression": "0 9 * * 1-5", "recipients": ["b@example.com", "a@example.com"]}`
)

func TestReportsAreReturnedAsWritten(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	synctest.Test(t, func(t *testing.T) {
		const id = "00000001-0000-4000-8000-000000000001"
		const created = `{"id": "` + id + `", "creation_date": "2000-01-01T00:00:00.000Z", "update_date": `
		want := created + `"2000-01-01T00:00:00.000Z", ` + bigReport + `}`
		checkDirectResponse(t, server, "POST", reportsPath, `{`+bigReport+`}`, 200, want)
		checkDirectResponse(t, server, "GET", reportsPath+"?name=*OF*", "", 200, `{"items": [`+want+`], "pagination": {}}`)
		time.Sleep(time.Hour)
		want = created + `"2000-01-01T01:00:00.000Z", ` + smallReport + `}`
		checkDirectResponse(t, server, "PUT", reportsPath+"/"+id, `{"format": null, `+smallReport+`}`, 200, want)
		checkDirectResponse(t, server, "GET", reportsPath+"/"+id, "", 200, want)
		// Other deletions return 204.
		checkDirectResponse(t, server, "DELETE", reportsPath+"/"+id, "", 200, `{"message": "The activity report was deleted"}`)
		checkDirectResponse(t, server, "DELETE", reportsPath+"/"+id, "", 404, `{"message": "activity report \"`+id+`\" not found"}`)
	})
}

func TestInvalidReportsAreRejected(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Reports, apono.ActivityReport{ID: "r1", Name: "one", Timeframe: apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{Last: 1}}})
	for _, test := range []struct {
		method, path, old, replacement string
		status                         int
		field, message                 string
	}{
		{"POST", reportsPath, `"name"`, `"id": "mine", "name"`, 422, "id", "unknown field"},
		{"POST", reportsPath, `"small"`, `"one"`, 409, "name", "already used by another activity report"},
		{"PUT", reportsPath + "/r9", ``, ``, 404, "", `activity report "r9" not found`},
		{"PUT", reportsPath + "/r1", `"filters": {}, `, ``, 422, "filters", "must be set"},
		{"POST", reportsPath, `{}`, `null`, 422, "filters", "must not be null"},
		{"POST", reportsPath, `{}`, `{"statuses": "Active"}`, 422, "filters.statuses", "must be an array, not a string"},
		{"POST", reportsPath, `{}`, `{"status": []}`, 422, "filters.status", "unknown field"},
		{"POST", reportsPath, `2026-01-01T00:00:00Z`, `2026-01-01`, 422, "timeframe.absolute.start_date", "must be an RFC 3339 time, not a string"},
		{"POST", reportsPath, `{"absolute"`, `{"relative": {"last": 1, "unit": "day", "rounded": true}, "absolute"`, 422, "timeframe", "exactly one of absolute, relative must be set"},
		{"POST", reportsPath, `{"absolute"`, `{"relative": {"last": 1, "unit": "day"}, "absolute"`, 422, "timeframe.relative.rounded", "must be set"},
		{"POST", reportsPath, `"filters"`, `"schedule": {"cron_expression": "0 9 * * 1"}, "filters"`, 422, "schedule.recipients", "must be set"},
		{"POST", reportsPath, `"filters"`, `"fields": ["status", 1], "filters"`, 422, "fields[1]", "must be a string, not a number"},
	} {
		t.Run(test.method+" "+test.path+" "+test.replacement, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, `{`+smallReport+`}`, test.old)
			checkRejected(t, server, test.method, test.path, `{`+strings.Replace(smallReport, test.old, test.replacement, 1)+`}`,
				test.status, test.field, test.message)
		})
	}
}

func TestReportsWithClient(t *testing.T) {
	t.Parallel()
	accessEndToEnd[apono.ActivityReport, apono.ListReportsOptions](t, aponotest.NewServer(t, aponotest.WithPageSize(2)).Client().Reports,
		func(name string) apono.ActivityReportInput {
			return apono.ActivityReportInput{
				Name: name, Fields: []apono.ReportField{apono.ReportFieldStatus}, Filters: apono.ReportFilters{Statuses: []string{"Active"}},
				Timeframe: apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{Last: 1, Unit: apono.TimeUnitMonth}},
				Schedule:  &apono.ReportSchedule{CronExpression: "0 9 * * 1", Recipients: []string{"ada@example.com"}},
				Format:    new(apono.ReportFormatCSV),
			}
		},
		(*apono.ActivityReport).UpdateInput, func(in *apono.ActivityReportInput) *string { return &in.Name }, func(r *apono.ActivityReport) string { return r.ID })
}
