package bot_test

import (
	"testing"
	"time"

	"hearth/internal/world"
)

// TestOperationThatFailsIsBegunAgain: an operation that ended in an error of
// the cloud's own, such as InternalServerError, is not one that cannot be
// looked at: nobody waits for it any more.
func TestOperationThatFailsIsBegunAgain(t *testing.T) {
	for _, code := range []string{"InternalServerError", "TooManyRequests", "Conflict"} {
		t.Run(code, func(t *testing.T) {
			r := newRig(t)
			r.burning()
			if err := r.cloud.FailNext("vmss-a", code, true); err != nil {
				t.Fatal(err)
			}
			r.handle(r.command("Bo", "stop"))
			r.handle(r.agent(func(h world.Heard) world.Payload {
				return &world.SaveProven{Heard: h, Why: world.StopOrdered, Confirmed: true}
			}))
			r.pass(5 * time.Minute)
			r.expect(world.Stopped)
		})
	}
}
