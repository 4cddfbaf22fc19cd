//! The answers as another SDP implementation reads them.

use std::io::Cursor;

use rtc::sdp::description::session::SessionDescription;

use super::super::Offer;
use super::{
    CHROMIUM_FIVE_SLOTS, CHROMIUM_OFFER, FIREFOX_FIVE_SLOTS, FIREFOX_OFFER, answer_of, stop_last_section,
};

#[test]
fn another_implementation_reads_the_same_sections_from_our_answers() {
    let stopped = stop_last_section(CHROMIUM_OFFER);
    for text in [CHROMIUM_OFFER, FIREFOX_OFFER, CHROMIUM_FIVE_SLOTS, FIREFOX_FIVE_SLOTS, &stopped] {
        let answer = answer_of(&Offer::parse(text).unwrap());
        let oracle = SessionDescription::unmarshal(&mut Cursor::new(answer.sdp.as_bytes())).unwrap();
        assert_eq!(oracle.media_descriptions.len(), answer.sections.len());
        for (media, section) in oracle.media_descriptions.iter().zip(&answer.sections) {
            assert_eq!(media.attribute("mid").flatten(), Some(section.mid.as_str()));
            let mut formats = Vec::new();
            for map in &section.codecs {
                formats.push(map.payload_type.to_string());
                let others = map.red_payload_type.into_iter().chain(map.rtx_payload_type);
                formats.extend(others.map(|payload_type| payload_type.to_string()));
            }
            formats.extend(section.flexfec_payload_type.map(|payload_type| payload_type.to_string()));
            if section.codecs.is_empty() {
                assert_eq!(media.media_name.port.value, 0);
            } else {
                assert_eq!(media.media_name.formats, formats);
            }
        }
    }
}
