// Over plain HTTP, as from any language: `scrubjay capture run -- go test ./...`, or beside a sink that runs already.
// No dependencies: what an SDK would send is posted by hand.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"os"
	"testing"
)

func sink() string {
	if given, err := url.Parse(os.Getenv("SENTRY_SPOTLIGHT")); err == nil && given.Host != "" {
		return "http://" + given.Host
	}
	return "http://localhost:8969"
}

// share is a key and a project of its own for each test, so that tests that share a sink do not see each other's events.
func share() (key, project string) {
	return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()), fmt.Sprint(1 + rand.Int31())
}

func send(t *testing.T, key, project, event string) {
	t.Helper()
	body := fmt.Sprintf("{}\n{\"type\":\"event\"}\n%s", event)
	answer, err := http.Post(fmt.Sprintf("%s/api/%s/envelope/?sentry_key=%s", sink(), project, key),
		"application/x-sentry-envelope", bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the sink answered %s", answer.Status)
	}
}

func TestAnErrorArrivesOnceWithoutTheAddress(t *testing.T) {
	key, project := share() // start an SDK with the DSN http://KEY@HOST/PROJECT
	send(t, key, project, `{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc","message":"order of ana@lab.example failed","tags":{"area":"cart"}}`)

	filters := url.Values{"project": {project}, "type": {"error"}, "tag.area": {"cart"}, "exactly": {"1"}, "settle": {"50"}}
	answer, err := http.Get(sink() + "/api/capture/wait?" + filters.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var found struct {
		Satisfied bool
		Events    []struct{ Title string }
	}
	if err := json.Unmarshal(text, &found); err != nil || !found.Satisfied {
		t.Fatalf("%v: %s", err, text)
	}
	if title := found.Events[0].Title; title != "order of [email] failed" {
		t.Fatalf("what would leave is %q", title)
	}
}
