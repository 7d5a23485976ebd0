package apono

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// ReportsService manages activity reports: their content, schedule and
// recipients. The API neither runs nor downloads reports; see [ActivityService]
// for the activity itself.
//
// API section: Activity Reports.
type ReportsService struct{ client *Client }

var (
	listReports  = operation.New("Reports.List", http.MethodGet, "/api/admin/v1/activity-reports")
	getReport    = operation.New("Reports.Get", http.MethodGet, "/api/admin/v1/activity-reports/{id}")
	createReport = operation.New("Reports.Create", http.MethodPost, "/api/admin/v1/activity-reports")
	updateReport = operation.New("Reports.Update", http.MethodPut, "/api/admin/v1/activity-reports/{id}")
	deleteReport = operation.New("Reports.Delete", http.MethodDelete, "/api/admin/v1/activity-reports/{id}")
)

// ReportFormat is the file format of a report.
type ReportFormat string

// The known formats.
const (
	ReportFormatCSV ReportFormat = "csv"
	ReportFormatPDF ReportFormat = "pdf"
)

// TimeUnit is the unit of a [RelativeTimeframe].
type TimeUnit string

// The known units.
const (
	TimeUnitHour  TimeUnit = "hour"
	TimeUnitDay   TimeUnit = "day"
	TimeUnitMonth TimeUnit = "month"
)

// ActivityReport is a report on activity.
type ActivityReport struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Fields    []ReportField   `json:"fields,omitzero"`
	Filters   ReportFilters   `json:"filters"`
	Timeframe ReportTimeframe `json:"timeframe"`
	// Schedule is nil if the report is never sent.
	Schedule *ReportSchedule `json:"schedule,omitzero"`
	// Format defaults to CSV.
	Format       *ReportFormat `json:"format,omitzero"`
	CreationDate time.Time     `json:"creation_date"`
	UpdateDate   time.Time     `json:"update_date"`

	Extra Extra `json:",embed,inline"`
}

// ReportFilters select activity. All filters must match, each with at least one
// of its values. The API does not list the identity types, statuses and trigger
// types.
type ReportFilters struct {
	// RequestorSourceIDs and GranteeSourceIDs are IDs in the source system.
	RequestorSourceIDs   []string `json:"requestor_source_ids,omitzero"`
	GranteeSourceIDs     []string `json:"grantee_source_ids,omitzero"`
	GranteeIdentityTypes []string `json:"grantee_identity_types,omitzero"`
	IntegrationIDs       []string `json:"integration_ids,omitzero"`
	PermissionNames      []string `json:"permission_names,omitzero"`
	ResourceIDs          []string `json:"resource_ids,omitzero"`
	ResourceTypes        []string `json:"resource_types,omitzero"`
	Statuses             []string `json:"statuses,omitzero"`
	TriggerTypes         []string `json:"trigger_types,omitzero"`
	AccessFlowIDs        []string `json:"access_flow_ids,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ReportTimeframe is the period of a report. Exactly one field must be set.
type ReportTimeframe struct {
	Absolute *AbsoluteTimeframe `json:"absolute,omitzero"`
	Relative *RelativeTimeframe `json:"relative,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AbsoluteTimeframe is a period between two times.
type AbsoluteTimeframe struct {
	// StartDate and EndDate are in UTC.
	StartDate time.Time `json:"start_date"`
	EndDate   time.Time `json:"end_date"`

	Extra Extra `json:",embed,inline"`
}

// RelativeTimeframe is a period that ends when the report is run.
type RelativeTimeframe struct {
	// Last is the number of units, at least 1.
	Last int      `json:"last"`
	Unit TimeUnit `json:"unit"`
	// Rounded moves the start to the beginning of a unit.
	Rounded bool `json:"rounded"`

	Extra Extra `json:",embed,inline"`
}

// ReportSchedule is when a report is sent, and to whom.
type ReportSchedule struct {
	// CronExpression has the five fields of cron, such as "0 9 * * 1-5".
	CronExpression string `json:"cron_expression"`
	// Recipients are e-mail addresses.
	Recipients []string `json:"recipients"`

	Extra Extra `json:",embed,inline"`
}

// ListReportsOptions filters and pages a list of activity reports.
type ListReportsOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Name may begin or end with "*", as in "prod*". Whether it is
	// case-insensitive is not documented.
	Name string `url:"name,omitempty"`
}

// ActivityReportInput is the input for creating or updating a report. An update replaces
// the whole report, so start from [ActivityReport.UpdateInput].
type ActivityReportInput struct {
	// Name is unique in the account.
	Name      string          `json:"name"`
	Fields    []ReportField   `json:"fields,omitzero"`
	Filters   ReportFilters   `json:"filters"`
	Timeframe ReportTimeframe `json:"timeframe"`
	// Schedule is nil if the report is never sent.
	Schedule *ReportSchedule `json:"schedule,omitzero"`
	// Format defaults to CSV.
	Format *ReportFormat `json:"format,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// List returns a page of activity reports.
//
// GET /api/admin/v1/activity-reports
func (s *ReportsService) List(ctx context.Context, opts ...ListReportsOptions) (*Page[ActivityReport], error) {
	return list[ActivityReport](ctx, s.client, listReports, opts)
}

// ListAll returns an iterator over all activity reports.
//
// GET /api/admin/v1/activity-reports
func (s *ReportsService) ListAll(ctx context.Context, opts ...ListReportsOptions) iter.Seq2[*ActivityReport, error] {
	return listAll[ActivityReport](ctx, s.client, listReports, opts)
}

// Get returns the activity report with the given ID, or [ErrNotFound].
//
// GET /api/admin/v1/activity-reports/{id}
func (s *ReportsService) Get(ctx context.Context, id string) (*ActivityReport, error) {
	return decode[ActivityReport](s.client.call(ctx, getReport, nil, id))
}

// Create creates an activity report. The time frame must have exactly one field set, or
// Create returns an [*ArgumentError].
//
// POST /api/admin/v1/activity-reports
func (s *ReportsService) Create(ctx context.Context, in ActivityReportInput) (*ActivityReport, error) {
	return decode[ActivityReport](s.client.call(ctx, createReport, in))
}

// Update replaces an activity report, or returns [ErrNotFound]. The time frame must
// have exactly one field set, or Update returns an [*ArgumentError].
//
// PUT /api/admin/v1/activity-reports/{id}
func (s *ReportsService) Update(ctx context.Context, id string, in ActivityReportInput) (*ActivityReport, error) {
	return decode[ActivityReport](s.client.call(ctx, updateReport, in, id))
}

// Delete deletes an activity report, or returns [ErrNotFound].
//
// DELETE /api/admin/v1/activity-reports/{id}
func (s *ReportsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteReport, nil, id))
}

// UpdateInput returns a copy of the report, Extra included, for Update.
func (r *ActivityReport) UpdateInput() ActivityReportInput {
	r = clone(r)
	return ActivityReportInput{
		Name:      r.Name,
		Fields:    r.Fields,
		Filters:   r.Filters,
		Timeframe: r.Timeframe,
		Schedule:  r.Schedule,
		Format:    r.Format,
		Extra:     r.Extra,
	}
}

func (in ActivityReportInput) check() error {
	return exactlyOne("in.Timeframe", len(in.Timeframe.Extra),
		member{"Absolute", in.Timeframe.Absolute != nil},
		member{"Relative", in.Timeframe.Relative != nil})
}
