//! What the server did not do, in the person's language: the server's own sentences are in English, its codes are not.

use engine::{Cause, EndReason, Problem};
use shared::protocol::{ErrorCode, GoodbyeReason};

use crate::strings::{Key, text};

/// What to tell about a problem.
pub(crate) fn sentence(problem: &Problem) -> String {
    text(of_code(problem.code)).to_owned()
}

/// What to say below the heading of the last page.
pub(crate) const fn of_end(reason: &EndReason) -> Key {
    match reason {
        EndReason::Left => Key::LeftText,
        EndReason::Replaced => Key::ReplacedText,
        EndReason::VersionMismatch { .. } => Key::VersionText,
        EndReason::RoomFull { .. } => Key::FullText,
        EndReason::WaitingRoomFull { .. } => Key::WaitingRoomFullText,
        EndReason::Removed => Key::RemovedText,
        // What the host wrote, where they did, is said by the page.
        EndReason::Denied { .. } => Key::DeniedText,
        EndReason::MeetingEnded => Key::EndedForAllText,
        EndReason::Banned { .. } => Key::BannedText,
        EndReason::Locked { .. } => Key::LockedText,
        EndReason::TokenRefused { code, .. } | EndReason::Refused { cause: Cause::Error(code), .. } => {
            of_code(*code)
        }
        EndReason::Refused { cause: Cause::Goodbye(goodbye), .. } => of_goodbye(*goodbye),
    }
}

const fn of_code(code: ErrorCode) -> Key {
    match code {
        ErrorCode::InvalidMessage
        | ErrorCode::UnknownMessage
        | ErrorCode::MessageTooLong
        | ErrorCode::UnexpectedMessage
        | ErrorCode::UnknownSlot => Key::ProblemPage,
        ErrorCode::RateLimited => Key::ProblemTooOften,
        ErrorCode::UnsupportedVersion => Key::VersionText,
        ErrorCode::RoomFull => Key::FullText,
        ErrorCode::ServerBusy => Key::ProblemBusy,
        ErrorCode::TokenRequired => Key::ProblemTokenRequired,
        ErrorCode::TokenInvalid => Key::ProblemTokenInvalid,
        ErrorCode::TokenExpired => Key::ProblemTokenExpired,
        ErrorCode::PasscodeRequired => Key::PasscodeQuestion,
        ErrorCode::PasscodeWrong => Key::PasscodeWrong,
        ErrorCode::RoomLocked => Key::LockedText,
        ErrorCode::WaitingRoomFull => Key::WaitingRoomFullText,
        ErrorCode::Banned => Key::BannedText,
        ErrorCode::Forbidden => Key::ProblemForbidden,
        ErrorCode::ResumeExpired => Key::SeatLost,
        ErrorCode::InvalidOffer => Key::ProblemOffer,
        ErrorCode::Internal | ErrorCode::Unknown => Key::ProblemServer,
    }
}

const fn of_goodbye(reason: GoodbyeReason) -> Key {
    match reason {
        GoodbyeReason::Left => Key::LeftText,
        GoodbyeReason::Replaced => Key::ReplacedText,
        GoodbyeReason::Removed => Key::RemovedText,
        GoodbyeReason::Denied => Key::DeniedText,
        GoodbyeReason::Ended => Key::EndedForAllText,
        GoodbyeReason::Restarting => Key::ProblemShutDown,
        GoodbyeReason::ProtocolViolation => Key::ProblemPage,
        GoodbyeReason::TooSlow => Key::ProblemTooSlow,
        GoodbyeReason::Banned => Key::BannedText,
        GoodbyeReason::Unknown => Key::ProblemClosed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_the_server_is_said_in_the_language_of_the_person() {
        let theirs = "A sentence that only the server knows.".to_owned();
        let problem = Problem { code: ErrorCode::Forbidden, sentence: theirs.clone() };
        assert_eq!(sentence(&problem), text(Key::ProblemForbidden));
        let refused = |cause| of_end(&EndReason::Refused { cause, sentence: theirs.clone() });
        assert_eq!(refused(Cause::Error(ErrorCode::Internal)), Key::ProblemServer);
        assert_eq!(refused(Cause::Goodbye(GoodbyeReason::TooSlow)), Key::ProblemTooSlow);
        let token = EndReason::TokenRefused { code: ErrorCode::TokenExpired, sentence: theirs.clone() };
        assert_eq!(of_end(&token), Key::ProblemTokenExpired);
    }

    #[test]
    fn a_full_waiting_room_is_no_full_meeting() {
        let sentence = String::new;
        assert_eq!(of_end(&EndReason::RoomFull { sentence: sentence() }), Key::FullText);
        assert_eq!(of_end(&EndReason::WaitingRoomFull { sentence: sentence() }), Key::WaitingRoomFullText);
    }
}
