package apono_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

var reportSuite = accessSuite[apono.ActivityReport, apono.ListReportsOptions, apono.ActivityReportInput]{
	folder: "reports", path: "/api/admin/v1/activity-reports",
	service: func(c *apono.Client) accessService[apono.ActivityReport, apono.ListReportsOptions, apono.ActivityReportInput] {
		return c.Reports
	},
	updateInput: (*apono.ActivityReport).UpdateInput,
	full:        weekly, minimal: march, upsert: weeklyInput,
	options: apono.ListReportsOptions{Limit: 2, Name: "*ly"}, query: "limit=2&name=%2Aly",
	onPage2: apono.ListReportsOptions{Limit: 2, Name: "*ly", PageToken: "t2"},
	// Other deletions respond with 204.
	deleted: script.Response{Body: `{"message":"Deleted"}`},
	rename:  func(in *apono.ActivityReportInput) *string { return &in.Name },
}

// weekly returns the object in reports/full.json.
func weekly() *apono.ActivityReport {
	return &apono.ActivityReport{
		ID: "9f3e1f0a-2f6d-4d9c-8a57-5c1d7e9b4e04", Name: "Weekly",
		Fields: []apono.ReportField{apono.ReportFieldRequestID, apono.ReportFieldRequestorEmail, "cost_center"},
		Filters: apono.ReportFilters{
			RequestorSourceIDs: []string{"ada@example.com"}, GranteeSourceIDs: []string{"bob@example.com"},
			GranteeIdentityTypes: []string{"USER"}, IntegrationIDs: []string{"int-1", "int-2"}, PermissionNames: []string{"ADMIN"},
			ResourceIDs: []string{"resource-1"}, ResourceTypes: []string{"postgresql-database"}, Statuses: []string{"Active"},
			TriggerTypes: []string{"SELF_SERVE"}, AccessFlowIDs: []string{"flow-1"},
		},
		Timeframe:    apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{Last: 7, Unit: apono.TimeUnitDay, Rounded: true}},
		Schedule:     &apono.ReportSchedule{CronExpression: "0 9 * * 1-5", Recipients: []string{"ada@example.com", "bob@example.com"}},
		Format:       new(apono.ReportFormatPDF),
		CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 123e6, time.UTC),
		UpdateDate:   time.Date(2026, 4, 6, 10, 11, 12, 0, time.UTC),
	}
}

// march returns the object in reports/minimal.json.
func march() *apono.ActivityReport {
	return &apono.ActivityReport{
		ID: "report-2", Name: "March",
		Timeframe: apono.ReportTimeframe{Absolute: &apono.AbsoluteTimeframe{
			StartDate: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
			EndDate:   time.Date(2026, 3, 31, 23, 59, 59, 999e6, time.UTC),
		}},
		CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC), UpdateDate: time.Date(2026, 3, 5, 7, 8, 10, 0, time.UTC),
	}
}

// weeklyInput returns the input in reports/upsert.json.
func weeklyInput() apono.ActivityReportInput {
	report := weekly() // for members with the same form in object and input
	return apono.ActivityReportInput{
		Name: "Weekly", Fields: report.Fields, Filters: report.Filters, Timeframe: report.Timeframe,
		Schedule: report.Schedule, Format: report.Format,
	}
}

func TestReportOperations(t *testing.T) {
	t.Parallel()
	reportSuite.operations(t)
}

func TestReportConstants(t *testing.T) {
	t.Parallel()
	for constant, want := range map[any]string{
		apono.ReportFormatCSV: "csv", apono.ReportFormatPDF: "pdf",
		apono.TimeUnitHour: "hour", apono.TimeUnitDay: "day", apono.TimeUnitMonth: "month",
	} {
		require.Equal(t, want, fmt.Sprint(constant))
	}
}

// The API rejects null for recipients. An empty filter that was not set may match
// nothing.
func TestReportInputsAreSentWithoutNulls(t *testing.T) {
	t.Parallel()
	reportSuite.sends(t, apono.ActivityReportInput{Timeframe: apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{}}},
		`{"name": "", "filters": {}, "timeframe": {"relative": {"last": 0, "unit": "", "rounded": false}}}`)
	reportSuite.sends(t, apono.ActivityReportInput{
		Fields:    []apono.ReportField{},
		Filters:   apono.ReportFilters{Statuses: []string{}, AccessFlowIDs: []string{}},
		Timeframe: apono.ReportTimeframe{Absolute: &apono.AbsoluteTimeframe{}},
		Schedule:  &apono.ReportSchedule{},
		Format:    new(apono.ReportFormat("")),
	}, `{
		"name": "", "fields": [], "filters": {"statuses": [], "access_flow_ids": []},
		"timeframe": {"absolute": {"start_date": "0001-01-01T00:00:00Z", "end_date": "0001-01-01T00:00:00Z"}},
		"schedule": {"cron_expression": "", "recipients": []}, "format": ""
	}`)
}

func TestTimeframeWithoutExactlyOneMemberIsArgumentError(t *testing.T) {
	t.Parallel()
	for found, timeframe := range map[string]apono.ReportTimeframe{
		"none is":                   {},
		"Absolute and Relative are": {Absolute: &apono.AbsoluteTimeframe{}, Relative: &apono.RelativeTimeframe{}},
	} {
		reportSuite.rejects(t, apono.ActivityReportInput{Timeframe: timeframe},
			apono.ArgumentError{Arg: "in.Timeframe", Reason: "exactly one of Absolute and Relative must be set, but " + found})
	}
}

// An update replaces the whole report, so a filter that the conversion misses would be
// removed.
func TestReportUpdateInputIsComplete(t *testing.T) {
	t.Parallel()
	reportSuite.updateInputs(t, `{
		"name": "March", "filters": {},
		"timeframe": {"absolute": {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-31T23:59:59.999Z"}}
	}`)
}

func TestReportUpdateKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	reportSuite.keepsUnknown(t)
}

// A time frame of an unknown kind is kept by an update, and replaced if the caller sets
// another kind.
func TestTimeframeOfUnknownKindIsKeptOrReplaced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, read string
		edit       func(*apono.ActivityReportInput)
		want       string
	}{
		{"unknown kind", `{"fiscal": {"quarter": 3}}`, nil, `{"fiscal": {"quarter": 3}}`},
		{
			"unknown kind replaced", `{"fiscal": {"quarter": 3}}`,
			func(in *apono.ActivityReportInput) { in.Timeframe = weekly().Timeframe },
			`{"relative": {"last": 7, "unit": "day", "rounded": true}}`,
		},
		{
			"absolute edited", `{"absolute": {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-02T00:00:00+02:00", "zone": "CET"}}`,
			func(in *apono.ActivityReportInput) {
				in.Timeframe.Absolute.StartDate = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
			},
			`{"absolute": {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-03-02T00:00:00+02:00", "zone": "CET"}}`,
		},
		{
			"absolute replaced", `{"absolute": {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-02T00:00:00Z", "zone": "CET"}}`,
			func(in *apono.ActivityReportInput) { in.Timeframe = weekly().Timeframe },
			`{"relative": {"last": 7, "unit": "day", "rounded": true}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := reportSuite.updated(t, `{"name": "", "filters": {}, "timeframe": `+c.read+`}`, c.edit)
			apitest.JSONEq(t, `{"name": "", "filters": {}, "timeframe": `+c.want+`}`, body)
		})
	}
}

func TestReportTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListReportsOptions]())
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.ActivityReport](), reflect.TypeFor[apono.ActivityReportInput](), reflect.TypeFor[apono.ReportFilters](),
		reflect.TypeFor[apono.ReportTimeframe](), reflect.TypeFor[apono.AbsoluteTimeframe](), reflect.TypeFor[apono.RelativeTimeframe](),
		reflect.TypeFor[apono.ReportSchedule](),
	)
}
