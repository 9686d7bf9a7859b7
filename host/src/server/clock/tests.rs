use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn clock() -> Clock {
    Clock::new(Arc::new(Limits {
        silence: 60 * SECOND,
        head: 10 * SECOND,
        idle: 30 * SECOND,
        request: Some(20 * SECOND),
        response: Some(40 * SECOND),
        stalled_write: 5 * SECOND,
        flush: 25 * SECOND,
    }))
}

fn left(clock: &Clock) -> u64 {
    (clock.deadline() - Instant::now()).as_secs()
}

#[tokio::test(start_paused = true)]
async fn each_part_of_a_connection_has_its_own_limit() {
    let clock = clock();
    assert_eq!(left(&clock), 60, "silent");
    clock.read(Reading::Head, false);
    assert_eq!(left(&clock), 10, "head");
    tokio::time::advance(3 * SECOND).await;
    clock.read(Reading::Head, false);
    assert_eq!(left(&clock), 7, "more of the head does not help");
    clock.read(Reading::Body, true);
    let request = clock.open();
    assert_eq!(left(&clock), 17, "the body counts from the head");
    clock.read(Reading::Nothing, false);
    assert_eq!(left(&clock), 40, "response");
    clock.write_blocked(true);
    assert_eq!(left(&clock), 5, "stalled");
    clock.write_blocked(false);
    tokio::time::advance(9 * SECOND).await;
    assert_eq!(left(&clock), 31);
    drop(request);
    assert_eq!(left(&clock), 25, "not written yet");
    clock.write_blocked(true);
    assert_eq!(left(&clock), 5, "nor taken");
    clock.write_blocked(false);
    clock.flushed(None);
    assert_eq!(left(&clock), 30, "idle");
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_client_gives_no_room_has_the_limit_of_a_stall() {
    let clock = clock();
    clock.read(Reading::Http2, false);
    let request = clock.open();
    assert_eq!(left(&clock), 5, "to look again");
    tokio::time::advance(3 * SECOND).await;
    assert_eq!(left(&clock), 5, "and again");
    request.waits_for_client(true);
    tokio::time::advance(3 * SECOND).await;
    assert_eq!((left(&clock), clock.nearest().1), (2, Cut::Stall));
    request.waits_for_client(false);
    assert_eq!(left(&clock), 5, "it has taken something");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_for_a_window_is_not_over() {
    let unsent = |streams, moved| Some(Unsent { streams, moved });
    let clock = clock();
    clock.read(Reading::Http2, false);
    let (first, second) = (clock.open(), clock.open());
    drop(first);
    clock.flushed(unsent(2, Instant::now()));
    assert_eq!((left(&clock), clock.nearest().1), (5, Cut::Stall));
    tokio::time::advance(3 * SECOND).await;
    clock.flushed(unsent(2, Instant::now()));
    assert_eq!(left(&clock), 5, "some of it has gone");
    tokio::time::advance(3 * SECOND).await;
    clock.flushed(unsent(2, Instant::now() - 3 * SECOND));
    assert_eq!(left(&clock), 2, "and no more");
    clock.flushed(unsent(1, Instant::now()));
    assert_eq!(
        left(&clock),
        5,
        "the other has no answer yet: to look again"
    );
    drop(second);
    clock.flushed(unsent(0, Instant::now()));
    assert_eq!((left(&clock), clock.nearest().1), (30, Cut::Idle));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_came_early_waits_without_a_limit_of_its_own() {
    let clock = clock();
    clock.read(Reading::Nothing, true);
    let first = clock.open();
    clock.read(Reading::Head, false);
    tokio::time::advance(30 * SECOND).await;
    assert_eq!(left(&clock), 10, "that of the response");
    drop(first);
    clock.flushed(None);
    assert_eq!(left(&clock), 10, "that of the head, from now");
}
