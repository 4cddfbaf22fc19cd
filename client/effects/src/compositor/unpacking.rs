//! Pictures as screens and canvases give them, as luma and colours (BT.601, limited range, in whole numbers).

/// Turns four bytes a pixel into I420. `planes` are those of the camera's picture, for rows of `width` pixels.
pub(super) fn unpack(rgba: &[u8], width: usize, planes: &mut [u8]) {
    let (luma, colours) = planes.split_at_mut(planes.len() / 3 * 2);
    let (u, v) = colours.split_at_mut(colours.len() / 2);
    let rows = rgba.chunks_exact(8 * width).zip(luma.chunks_exact_mut(2 * width));
    for ((pair, luma), (u, v)) in rows.zip(u.chunks_exact_mut(width / 2).zip(v.chunks_exact_mut(width / 2))) {
        let (above, below) = pair.split_at(4 * width);
        let (above, below) = (above.as_chunks::<8>().0, below.as_chunks::<8>().0);
        let (above_luma, below_luma) = luma.split_at_mut(width);
        let lumas = above_luma.as_chunks_mut::<2>().0.iter_mut().zip(below_luma.as_chunks_mut::<2>().0);
        // Square by square, in few bytes of code: cameras give luma and colours, this is for the others.
        for ((square, lumas), colours) in above.iter().zip(below).zip(lumas).zip(u.iter_mut().zip(v)) {
            let [mut r, mut g, mut b] = [0; 3];
            let pixels = square.0.as_chunks::<4>().0.iter().chain(square.1.as_chunks::<4>().0);
            for (pixel, luma) in pixels.zip(lumas.0.iter_mut().chain(lumas.1)) {
                let [red, green, blue] = [0, 1, 2].map(|at| i32::from(pixel[at]));
                *luma = (((66 * red + 129 * green + 25 * blue + 128) >> 8) + 16) as u8;
                (r, g, b) = (r + red, g + green, b + blue);
            }
            *colours.0 = (((112 * b - 38 * r - 74 * g + 512) >> 10) + 128) as u8;
            *colours.1 = (((112 * r - 94 * g - 18 * b + 512) >> 10) + 128) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_those_of_bt_601() {
        for (colour, expected) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [82, 90, 240]),
            ([0, 255, 0], [145, 54, 34]),
            ([0, 0, 255], [41, 240, 110]),
        ] {
            let rgba = [colour[0], colour[1], colour[2], 255].repeat(6 * 4);
            let mut planes = vec![0; 36];
            unpack(&rgba, 6, &mut planes);
            let parts = [&planes[..24], &planes[24..30], &planes[30..]];
            for (part, expected) in parts.into_iter().zip(expected) {
                assert!(
                    part.iter().all(|byte| byte.abs_diff(expected) <= 1),
                    "{colour:?}: {part:?}, {expected}"
                );
            }
        }
    }

    #[test]
    fn every_pixel_comes_to_its_place() {
        let (width, height) = (4, 4);
        let grey = |at: usize| (at * 16) as u8;
        let rgba: Vec<u8> = (0..width * height).flat_map(|at| [grey(at), grey(at), grey(at), 0]).collect();
        let mut planes = vec![0; width * height * 3 / 2];
        unpack(&rgba, width, &mut planes);
        for (at, luma) in planes[..width * height].iter().enumerate() {
            let expected = 16.0 + f32::from(grey(at)) * 219.0 / 255.0;
            assert!((f32::from(*luma) - expected).abs() <= 1.0, "{at}");
        }
        assert!(planes[16..].iter().all(|colour| colour.abs_diff(128) <= 1));
    }
}
